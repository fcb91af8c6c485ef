// The last touch of every fragment: haze, and the sensor's grain.
float grain() {
    // Bare arithmetic on the pixel's place: the same noise on every driver.
    vec2 p = fract(gl_FragCoord.xy * vec2(0.1031, 0.1137) + ground_light.w);
    p += dot(p, p.yx + 33.33);
    return fract((p.x + p.y) * p.x * 7.13) - 0.5;
}

vec3 through_air(vec3 colour, float fog) {
#ifdef NEAR
    return mix(colour, haze.rgb, fog);  // such conditions have a sensor's noise of their own
#else
    return mix(colour, haze.rgb, fog) + grain() * (0.012 + 0.06 * sky_light.w);
#endif
}
