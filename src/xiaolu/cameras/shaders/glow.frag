in vec2 v_uv;
flat in vec3 v_shine;
layout(location = 0) out vec4 image;
void main() {
    float rest = max(1.0 - dot(v_uv, v_uv), 0.0);
    float halo = rest * rest * rest;
    image = vec4(v_shine * (0.40 * halo + 1.1 * halo * halo * halo * halo), 1.0);
}
