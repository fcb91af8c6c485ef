in vec3 v_colour;
in float v_fog;
in vec3 v_light;
in vec2 v_uv;
flat in uint v_part;
flat in int v_symbol;
flat in float v_lit;
flat in uint v_class;

// Segments of the digits 0 to 9, and of none: bits a to g.
const int SEGMENTS[11] = int[11](63, 6, 91, 79, 102, 109, 125, 7, 127, 111, 0);

float bar(vec2 p, vec2 a, vec2 b, float thick) {
    vec2 d = b - a, r = p - a;
    float along = clamp(dot(r, d) / dot(d, d), 0.0, 1.0);
    return thick - length(r - d * along);
}

float digit(vec2 p, int which) {
    int on = SEGMENTS[min(which, 10)];
    float d = -1.0;
    if ((on & 1) != 0) d = max(d, bar(p, vec2(-0.6, 0.85), vec2(0.6, 0.85), 0.2));
    if ((on & 2) != 0) d = max(d, bar(p, vec2(0.6, 0.85), vec2(0.6, 0.0), 0.2));
    if ((on & 4) != 0) d = max(d, bar(p, vec2(0.6, 0.0), vec2(0.6, -0.85), 0.2));
    if ((on & 8) != 0) d = max(d, bar(p, vec2(-0.6, -0.85), vec2(0.6, -0.85), 0.2));
    if ((on & 16) != 0) d = max(d, bar(p, vec2(-0.6, 0.0), vec2(-0.6, -0.85), 0.2));
    if ((on & 32) != 0) d = max(d, bar(p, vec2(-0.6, 0.85), vec2(-0.6, 0.0), 0.2));
    if ((on & 64) != 0) d = max(d, bar(p, vec2(-0.6, 0.0), vec2(0.6, 0.0), 0.2));
    return d;
}

// How far inside the lit shape a place on the lens lies; the whole lens for a round lamp.
float shape(vec2 p, int symbol) {
    float lens = 1.0 - length(p);
    if (symbol == 0) return lens;
    if (symbol == 8) return max(max(bar(p, vec2(0.0, 0.25), vec2(0.0, -0.75), 0.26), bar(p, vec2(0.0, 0.65), vec2(0.0, 0.66), 0.2)), bar(p, vec2(-0.32, 0.2), vec2(0.32, 0.2), 0.14));
    if (symbol == 9) return max(max(bar(p, vec2(0.0, 0.3), vec2(-0.35, -0.8), 0.2), bar(p, vec2(0.0, -0.1), vec2(0.42, -0.8), 0.18)), max(bar(p, vec2(0.05, 0.65), vec2(0.05, 0.66), 0.2), bar(p, vec2(-0.45, 0.1), vec2(0.4, 0.25), 0.13)));
    // Arrows: drawn pointing up, then turned. A driver sees left where the head's right is, which is -x here.
    if (symbol == 4) {  // up on the right, over, and down on the left
        float bend = max(max(bar(p, vec2(0.46, -0.78), vec2(0.46, 0.36), 0.18), bar(p, vec2(0.46, 0.36), vec2(0.2, 0.66), 0.18)), bar(p, vec2(0.2, 0.66), vec2(-0.16, 0.66), 0.18));
        bend = max(bend, max(bar(p, vec2(-0.16, 0.66), vec2(-0.42, 0.36), 0.18), bar(p, vec2(-0.42, 0.36), vec2(-0.42, -0.6), 0.18)));
        return max(bend, max(bar(p, vec2(-0.42, -0.62), vec2(-0.82, -0.16), 0.17), bar(p, vec2(-0.42, -0.62), vec2(-0.02, -0.16), 0.17)));
    }
    if (symbol == 2) p = vec2(p.y, -p.x);
    else if (symbol == 3) p = vec2(-p.y, p.x);
    float head = max(bar(p, vec2(0.0, 0.78), vec2(-0.58, 0.12), 0.19), bar(p, vec2(0.0, 0.78), vec2(0.58, 0.12), 0.19));
    float arrow = max(head, bar(p, vec2(0.0, 0.72), vec2(0.0, -0.8), 0.19));
    return arrow;
}

#ifdef LABELS
layout(location = 0) out uint label;
void main() { label = (v_part == 2u && length(v_uv) > 1.0) ? 15u : v_class; }
#else
layout(location = 0) out vec4 image;
void main() {
    vec3 colour = v_colour * light_here(v_light);
    float fog = fog_here(v_fog);
    if (v_part == 2u) {
        float pixel = max(length(fwidth(v_uv)), 1e-3);
        // A lamp that is a few pixels wide floods them: the sensor's bloom, over the whole lens and a little beyond.
        float bloom = v_lit * smoothstep(0.15, 0.5, pixel);
        float lens = clamp((1.0 + 0.35 * bloom - length(v_uv)) / pixel + 0.5, 0.0, 1.0);
        float lit = max(clamp(shape(v_uv, v_symbol) / pixel + 0.5, 0.0, 1.0) * v_lit, 0.85 * bloom);
        // An unlit lens is nearly black; a lit one shines through haze, with a whiter heart.
        vec3 unlit = mix(vec3(0.07), v_colour * 0.16, 0.55) * (0.5 * light_here(v_light) + 0.2);
        vec3 shine = v_colour + 0.22 * max(1.0 - 1.6 * dot(v_uv, v_uv), 0.0) * (v_symbol == 0 ? 1.0 : 0.0);
        colour = mix(vec3(0.05) * light_here(v_light), mix(unlit, shine, lit), lens);
        fog *= 1.0 - 0.6 * lit;
    } else if (v_part == 3u) {
        float pixel = max(length(fwidth(v_uv)), 1e-3);
        float lit = clamp(digit(v_uv * vec2(1.15, 1.1), v_symbol) / pixel + 0.5, 0.0, 1.0);
        colour = mix(vec3(0.03), v_colour, lit);
        fog *= 1.0 - 0.6 * lit;
    }
    image = vec4(through_air(colour, fog), 1.0);
}
#endif
