in vec3 v_colour;
in float v_fog;
in vec2 v_uv;
in vec3 v_light;
flat in float v_layer;
flat in uint v_class;
#ifdef LABELS
layout(location = 0) out uint label;
void main() { label = v_class; }
#else
uniform sampler2DArray walls;
layout(location = 0) out vec4 image;
void main() {
    bool shop = v_layer > 5.5;
    vec2 place = shop ? vec2(v_uv.x * 0.5, v_uv.y) : v_uv * 0.5;
    vec4 pattern = texture(walls, vec3(place, v_layer));
    vec3 colour = mix(v_colour, vec3(1.0), pattern.a) * pattern.rgb * 2.0;
    // Every bay has its own mind about the lamp in its room.
    vec2 room = floor(v_uv + vec2(0.0, 0.02));
    float mind = fract(fract(room.x * 0.7548777) * 91.3 + fract(room.y * 0.5698403) * 57.7);
    float lit = pattern.a * sun.w * ((shop ? 0.2 : 0.62) < mind ? 1.0 : 0.05);
    colour = colour * light_here(v_light) * (0.9 + 0.2 * pattern.a * mind) + pattern.a * 0.16 * zenith.rgb * mind;
    colour += lit * mix(vec3(0.75, 0.58, 0.34), vec3(0.72, 0.72, 0.66), fract(mind * 7.0)) * 0.8;
    image = vec4(through_air(colour, fog_here(v_fog)), 1.0);
}
#endif
