in vec2 v_uv;
flat in vec4 v_shine;
layout(location = 0) out vec4 light;
const float BRIGHTEST = 2.0;  // as in light_map.py
void main() {
    float out_at = length(v_uv), rest = max(1.0 - out_at * out_at, 0.0);
    if (v_shine.w == 0.0) {
        light = vec4(v_shine.rgb * rest * rest / (1.0 + 5.0 * out_at * out_at), 0.0);
    } else {
        float angle = v_uv.y / (v_uv.x + 0.035);
        // Two cones: one that lights the roadsides near by, one that reaches far.
        float near = 0.5 * exp(-angle * angle * 1.6) * exp(-v_uv.x * 9.0);
        float far = exp(-angle * angle * 14.0) / (1.0 + 7.0 * v_uv.x * v_uv.x);
        light = vec4(0.0, 0.0, 0.0, v_shine.w * (near + far) * rest * rest);
    }
    light /= BRIGHTEST;
}
