// Lamps' light on the light map: a round pool below a street lamp, or the cone before a headlamp.
in vec2 in_corner;
in vec4 in_place;    // x, y, where it points, reach
in vec4 in_shine;    // rgb of a pool; w: strength of a cone
out vec2 v_uv;
flat out vec4 v_shine;
void main() {
    float c = cos(in_place.z), s = sin(in_place.z);
    vec2 local = in_corner * in_place.w;
    if (in_shine.w > 0.0) local = vec2(0.5 + 0.5 * in_corner.x, in_corner.y * 0.45) * in_place.w;
    v_uv = local / in_place.w;
    v_shine = in_shine;
    vec2 place = in_place.xy + vec2(c * local.x - s * local.y, s * local.x + c * local.y);
    gl_Position = vec4((place - map.xy) * map.z * 2.0 - 1.0, 0.0, 1.0);
}
