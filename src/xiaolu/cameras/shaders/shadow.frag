in vec2 v_uv;
in float v_dark;
flat in vec2 v_half;
flat in float v_soft;
layout(location = 0) out vec4 image;
void main() {
    vec2 beyond = max(abs(v_uv) - v_half, 0.0);
    float share = clamp(1.0 - length(beyond) / v_soft, 0.0, 1.0);
    image = vec4(0.0, 0.0, 0.0, v_dark * share * share * (3.0 - 2.0 * share));
}
