in float v_height;
layout(location = 0) out vec4 light;
const float TALLEST_M = 100.0;  // as in light_map.py
void main() { light = vec4(v_height / TALLEST_M, 0.0, 0.0, 0.0); }
