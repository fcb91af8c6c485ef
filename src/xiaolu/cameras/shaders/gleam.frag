in vec2 v_uv;
flat in vec3 v_shine;
layout(location = 0) out vec4 image;
void main() {
    vec2 rest = max(1.0 - v_uv * v_uv, 0.0);
    image = vec4(v_shine * rest.x * rest.x * rest.y * rest.y, 1.0);
}
