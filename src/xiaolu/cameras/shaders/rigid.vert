in vec3 in_position;
in vec4 in_normal;
in uvec4 in_part;
in vec4 in_place;     // x, y, z, yaw
in vec4 in_size;      // length, width, height; w: lights as bits
in vec4 in_paint;
in vec4 in_second;
in uint in_label;

out vec3 v_colour;
out float v_fog;
out vec3 v_light;
flat out uint v_class;

const vec3 PARTS[11] = vec3[11](
    vec3(0.0), vec3(0.10, 0.13, 0.16), vec3(0.07), vec3(0.86, 0.88, 0.90), vec3(0.42, 0.05, 0.05),
    vec3(0.55, 0.34, 0.10), vec3(0.55, 0.34, 0.10), vec3(0.48), vec3(0.0), vec3(0.20, 0.34, 0.66), vec3(0.11));

void main() {
    float c = cos(in_place.w), s = sin(in_place.w);
    mat3 turn = mat3(c, s, 0.0, -s, c, 0.0, 0.0, 0.0, 1.0);
    vec3 place = in_place.xyz + turn * (in_position * in_size.xyz);
    vec3 normal = turn * (in_normal.xyz / 127.0);
    gl_Position = clip_from_world * vec4(place, 1.0);
    float away = length(place - eye.xyz);
    v_fog = fog_over(away);
    uint part = in_part.x;
    int lights = int(in_size.w);
    v_colour = part == 0u ? in_paint.rgb : part == 8u ? in_second.rgb : PARTS[part];
    vec3 light = light_on(normal);
#ifdef LIT
    float night = (lights & 8) != 0 ? 1.0 : 0.25;
#else
    float night = max(sun.w, sky_light.w);
#endif
    if (part == 1u) {  // glass mirrors the sky, more of it at a flat angle
        vec3 ray = (place - eye.xyz) / max(away, 1e-3);
        float flat_on = 1.0 - abs(dot(ray, normal));
        float up = clamp(reflect(ray, normal).z * 2.0 + 0.3, 0.0, 1.0);
        light = vec3(1.0);
        v_colour = v_colour * sky_light.rgb + zenith.rgb * up * (0.12 + 0.5 * flat_on * flat_on);
    }
    if (part == 0u) light += 0.10 * zenith.rgb * max(normal.z, 0.0) + 0.02;
    bool blink = fract(eye.w * 1.5) < 0.5;
    if (part == 3u) light = max(light, vec3(1.6) * night);
    if (part == 4u) { light = max(light, vec3(1.5) * night); if ((lights & 1) != 0) { v_colour = vec3(1.0, 0.10, 0.08); light = vec3(1.0); } }
    if ((part == 5u && (lights & 2) != 0 || part == 6u && (lights & 4) != 0) && blink) { v_colour = vec3(1.0, 0.62, 0.10); light = vec3(1.0); }
    v_light = light;
    v_class = in_label;
    HERE(place, normal);
}
