in vec3 v_ray;
layout(location = 0) out vec4 image;
void main() {
    vec3 ray = normalize(v_ray);
    float up = clamp(ray.z * 2.2, 0.0, 1.0);
    vec3 colour = mix(haze.rgb, zenith.rgb, up * (2.0 - up));
    float near = max(dot(ray, sun.xyz), 0.0);
    colour += glow.rgb * (near * near * near * near * 0.25 + smoothstep(0.9985, 0.9995, near));
#ifdef SHADED
    float n8 = near * near; n8 *= n8; n8 *= n8;
    colour += lamps.z * glow.rgb * (0.30 * n8 + 0.9 * smoothstep(0.985, 1.0, near));
#endif
    image = vec4(through_air(colour, 0.0), 1.0);
}
