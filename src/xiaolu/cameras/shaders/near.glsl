// Light that changes from place to place, from a map that is looked down on: lamps' light where lamps are lit (rgb: from
// above, a: from headlamps), else the height below which the sun does not reach (r).
in vec3 v_place;
in vec3 v_normal;
uniform sampler2D light_map;

const float BRIGHTEST = 2.0, TALLEST_M = 100.0;  // what a texel's 1 stands for, as in light_map.py
const vec3 HEADLAMP = vec3(1.0, 0.94, 0.82);

// The map's rim is left black, and what lies beyond it looks up the rim.
vec4 on_map(vec2 place) { return texture(light_map, (place - map.xy) * map.z); }

// Only what is large needs the air's thickness place by place.
#ifdef LARGE
float fog_here(float fog) { return fog_over(length(v_place - eye.xyz)); }
#else
#define fog_here(fog) (fog)
#endif

#ifdef LIT
vec3 light_here(vec3 light) {
    vec4 spill = on_map(v_place.xy) * BRIGHTEST;
    float height = v_place.z - beam.z;
    bool level = v_normal.z > 0.7;
    // Street lamps light what is below them. Low beams are cut off at the height of the lamps; a stray rest lets higher
    // things be guessed; roads get them at a flat angle.
    float under = clamp(1.35 - height * 0.16, 0.0, 1.0) * (0.5 + 0.5 * v_normal.z);
    float low = level ? 0.42 : 1.0 - 0.88 * clamp(height * 1.1 - 0.75, 0.0, 1.0);
    return light + lamps.x * (spill.rgb * under + HEADLAMP * (spill.a * low));
}
#else
vec3 light_here(vec3 light) {
    float edge = on_map(v_place.xy + sun.xy * 1.2).r * TALLEST_M;
    float hidden = smoothstep(-0.5, 0.9, edge - v_place.z);
    return light - hidden * lamps.y * sun_light.rgb * max(dot(v_normal, sun.xyz), 0.0);
}
#endif
