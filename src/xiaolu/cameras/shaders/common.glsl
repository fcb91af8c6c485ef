// What all programs share: the camera, the light, and the air between. World frame, metres. NEAR is defined where light
// is looked up place by place: LIT, where lamps are on, and SHADED, where the sun casts long shadows.
layout(std140) uniform Frame {
    mat4 clip_from_world;
    vec4 eye;            // xyz; w: seconds of the ride, for what blinks
    vec4 sun;            // direction to it; w: night, 0 to 1
    vec4 sun_light;      // rgb; w: wetness
    vec4 sky_light;      // rgb from above; w: rain
    vec4 ground_light;   // rgb from below; w: seed of the grain
    vec4 haze;           // rgb of the horizon; w: density of the fog per metre
    vec4 zenith;         // rgb; w: cloud
    vec4 glow;           // rgb around the sun; w: how strong shadows are
    vec4 map;            // the light map: x, y of its corner, 1 / its side; w: metres of shadow a metre of height
    vec4 lamps;          // x: how bright lamps are; y: share of the sun that shadows take; z: glare in the lens
    vec4 beam;           // xy: which way shadows fall; z: height of the ground at the ego
    vec4 per_metre;      // clip units of a metre one metre away in x and y; zw: of a pixel
};

const float FAR_M = 200.0;

vec3 light_on(vec3 normal) {
    return sun_light.rgb * max(dot(normal, sun.xyz), 0.0)
        + mix(ground_light.rgb, sky_light.rgb, normal.z * 0.5 + 0.5);
}

// Share of the light that the air swallows on the way, 1 at FAR_M.
float fog_over(float distance_m) {
    float hidden = smoothstep(0.55 * FAR_M, FAR_M, distance_m);
    return max(1.0 - exp(-distance_m * haze.w), hidden);
}

#ifndef NEAR
#define HERE(place, normal)
#define light_here(light) (light)
#define fog_here(fog) (fog)
#elif defined(VERTEX)
out vec3 v_place;
out vec3 v_normal;
#define HERE(place, normal) v_place = place; v_normal = normal
#endif
