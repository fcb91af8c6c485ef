in vec3 in_position;
in vec4 in_normal;
in vec2 in_uv;
in uvec4 in_part;
in vec4 in_place;    // x, y, z, yaw towards traffic
in vec4 in_state;    // lit lamp (LampColour), arrow (Turn, 8 for people), digits, whether there is a panel

out vec3 v_colour;
out float v_fog;
out vec3 v_light;
out vec2 v_uv;
flat out uint v_part;
flat out int v_symbol;
flat out float v_lit;
flat out uint v_class;

const vec3 LENS[3] = vec3[3](vec3(1.0, 0.10, 0.07), vec3(1.0, 0.74, 0.06), vec3(0.10, 0.96, 0.52));

void main() {
    bool walk = in_state.y > 7.5;
    float c = cos(in_place.w), s = sin(in_place.w);
    mat3 turn = mat3(c, s, 0.0, -s, c, 0.0, 0.0, 0.0, 1.0);
    uint part = in_part.x, which = in_part.y;
    vec3 local = in_position * (walk ? 0.75 : 1.0);
    // People's heads have two lamps, and only some heads have digits: what is missing shrinks to nothing.
    if (walk && part == 2u && which == 1u || part >= 3u && in_state.w < 0.5) local = vec3(0.0);
    vec3 place = in_place.xyz + turn * local;
    vec3 normal = turn * (in_normal.xyz / 127.0);
    gl_Position = clip_from_world * vec4(place, 1.0);
    v_fog = fog_over(length(place - eye.xyz));
    v_light = light_on(normal);
    v_uv = in_uv;
    v_part = part;
    v_class = 15u;
    v_lit = 0.0;
    v_symbol = 0;
    v_colour = vec3(0.075, 0.08, 0.085);
    int shown = int(in_state.x + 0.5);
    if (part == 2u) {
        v_colour = LENS[which];
        v_symbol = walk ? (which == 0u ? 8 : 9) : int(in_state.y + 0.5);
        if (shown == int(which) + 1) { v_lit = 1.0; v_class = 12u + which; }
    } else if (part == 3u) {
        int digits = int(in_state.z + 0.5);
        v_symbol = which == 0u ? digits / 16 : digits % 16;
        v_colour = shown > 0 ? LENS[shown - 1] : vec3(0.0);
    }
    HERE(place, normal);
}
