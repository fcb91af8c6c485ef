in vec3 v_colour;
in float v_fog;
in vec3 v_light;
flat in uint v_class;
#ifdef LABELS
layout(location = 0) out uint label;
void main() { label = v_class; }
#else
layout(location = 0) out vec4 image;
void main() {
    // Full white is a street lamp's glass: it glows by night.
    vec3 light = v_colour.b > 0.995 ? max(light_here(v_light), vec3(1.25, 1.12, 0.85) * sun.w) : light_here(v_light);
    image = vec4(through_air(v_colour * light, fog_here(v_fog)), 1.0);
}
#endif
