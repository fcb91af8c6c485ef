in vec3 in_unit;
in float in_radius;
in vec3 in_start;
in vec3 in_end;
in vec3 in_side;
in vec3 in_shape;    // radius at the start, at the end; thickness as a share of the width
in vec4 in_colour;   // rgb; a: how far it shines by the day's light alone, as fluorescent cloth does
in uint in_label;

out vec3 v_colour;
out float v_fog;
out vec3 v_light;
flat out uint v_class;

void main() {
    vec3 axis = in_end - in_start;
    vec3 up = normalize(axis);
    vec3 across = in_side - up * dot(in_side, up);
    float size = length(across);
    // A rod that points along `side` takes any other direction as its width.
    across = size > 0.05 ? across / size : normalize(cross(up, vec3(0.0, 0.0, 1.0)));
    vec3 front = cross(up, across);
    float radius = mix(in_shape.x, in_shape.y, in_unit.z) * in_radius;
    vec3 out_from = across * in_unit.x + front * in_unit.y * in_shape.z;
    vec3 place = in_start + axis * in_unit.z + out_from * radius;
    gl_Position = clip_from_world * vec4(place, 1.0);
    float end = in_unit.z * 2.0 - 1.0;
    vec3 normal = normalize(across * in_unit.x + front * in_unit.y / in_shape.z + up * end * end * end * 0.7 + 1e-4);
    v_light = max(light_on(normal), in_colour.a * (sky_light.rgb + 0.45 * sun_light.rgb));
    v_fog = fog_over(length(place - eye.xyz));
    v_colour = in_colour.rgb;
    v_class = in_label;
    HERE(place, normal);
}
