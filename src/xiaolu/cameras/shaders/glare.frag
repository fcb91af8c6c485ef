// Sunlight that strays in the lens, over everything, unless the eye is in the shade.
in vec3 v_ray;
uniform sampler2D light_map;
layout(location = 0) out vec4 image;
void main() {
    vec3 ray = normalize(v_ray);
    float near = max(dot(ray, sun.xyz), 0.0);
    float n2 = near * near, n4 = n2 * n2, n8 = n4 * n4, n32 = n8 * n8; n32 *= n32;
    float shade = texture(light_map, (eye.xy - map.xy) * map.z).r * 100.0;
    float seen = 1.0 - 0.85 * smoothstep(-0.5, 0.5, shade - eye.z);
    image = vec4(lamps.z * seen * glow.rgb * (0.20 * n4 + 0.30 * n8 * n8 + 0.55 * n32 * n32), 1.0);
}
