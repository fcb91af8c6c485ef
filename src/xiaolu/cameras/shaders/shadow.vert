in vec2 in_corner;
in vec4 in_place;    // x, y, z, yaw
in vec4 in_size;     // half length, half width, softness, darkness
out vec2 v_uv;
out float v_dark;
flat out vec2 v_half;
flat out float v_soft;
void main() {
    float c = cos(in_place.w), s = sin(in_place.w);
    vec2 reach = in_size.xy + in_size.z;
    vec2 local = in_corner * reach;
    vec3 place = in_place.xyz + vec3(c * local.x - s * local.y, s * local.x + c * local.y, 0.0);
    gl_Position = clip_from_world * vec4(place, 1.0);
    v_uv = local;
    v_half = in_size.xy - in_size.z * 0.5;
    v_soft = in_size.z * 1.5;
    v_dark = in_size.w * glow.w * (1.0 - fog_over(length(place - eye.xyz)));
}
