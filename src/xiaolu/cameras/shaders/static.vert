in vec3 in_position;
in vec4 in_normal;
in vec2 in_uv;
in vec4 in_colour;
in uvec4 in_code;

out vec3 v_colour;
out float v_fog;
out vec2 v_uv;
out vec2 v_ground;
out vec3 v_light;
flat out vec4 v_line;    // paint from, to (m from the left edge), period and length of a dash
flat out vec4 v_paint;   // rgb of the paint; w: where the right-hand line's middle lies, or -9
flat out float v_layer;
flat out uint v_class;
flat out uint v_paint_class;

// from, to, period, dash; see road_mesh.Line.
const vec4 LINES[9] = vec4[9](
    vec4(-9.0, -9.0, 1.0, 1.0),
    vec4(0.0, 0.13, 6.0, 2.0),
    vec4(0.0, 0.15, 10.0, 4.0),
    vec4(0.0, 0.15, 1.0, 1.0),
    vec4(0.0, 0.12, 6.0, 3.0),
    vec4(0.0, 0.12, 1.0, 1.0),
    vec4(0.12, 0.27, 1.0, 1.0),
    vec4(0.0, 99.0, 0.9, 0.45),
    vec4(0.0, 0.14, 1.0, 1.0));

void main() {
    gl_Position = clip_from_world * vec4(in_position, 1.0);
    vec3 normal = in_normal.xyz / 127.0;
    float away = length(in_position - eye.xyz);
    v_light = light_on(normal);
    v_fog = fog_over(away);
    v_colour = in_colour.rgb;
    v_uv = in_uv;
    v_ground = in_position.xy - floor(eye.xy / 16.0) * 16.0;
    v_layer = float(in_code.x);
    v_line = LINES[in_code.z];
    float width = in_colour.a * 255.0 * 0.05;
    bool yellow = in_code.z >= 4u && in_code.z <= 6u;
    bool kerb = in_code.z == 8u;
    v_paint.rgb = kerb ? vec3(0.66, 0.655, 0.64) : yellow ? vec3(0.84, 0.68, 0.20) : vec3(0.86, 0.86, 0.84);
    v_paint.w = (in_code.w != 0u || kerb) ? width - (kerb ? 0.07 : 0.16) : -9.0;
    v_class = in_code.y;
    v_paint_class = kerb ? 4u : 2u;
    HERE(in_position, normal);
}
