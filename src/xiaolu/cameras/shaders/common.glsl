// What all programs share: the camera, the light, and the air between. World frame, metres.
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
