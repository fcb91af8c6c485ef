// What a lamp leaves on a wet road: a streak around the place where its mirror image would be seen.
in vec2 in_corner;
in vec4 in_place;
in vec4 in_shine;
in vec4 in_facing;
out vec2 v_uv;
flat out vec3 v_shine;
void main() {
    vec3 to_eye = eye.xyz - in_place.xyz;
    float away = max(length(to_eye.xy), 1.0);
    vec2 along = to_eye.xy / away;
    float lamp_up = max(in_place.z - in_shine.w, 0.1), eye_up = max(eye.z - in_shine.w, 0.3);
    float share = lamp_up / (lamp_up + eye_up);
    vec2 middle = in_place.xy + to_eye.xy * share;
    // Small waves tilt the mirror: a streak is long towards the eye, and hardly wide.
    float reach = min(0.26 * away * share + 0.2, 9.0);
    float facing = in_facing.w == 0.0 ? 1.0 : pow(max(dot(in_facing.xyz, to_eye) / length(to_eye), 0.0), in_facing.w);
    v_shine = in_shine.rgb * facing * (1.0 - fog_over(away)) * lamps.x * sun_light.w * 0.42;
    // What adds less than half a level of 255 is not drawn: the rims of a streak, or all of it.
    float most = max(v_shine.r, max(v_shine.g, v_shine.b));
    v_uv = in_corner * sqrt(max(1.0 - sqrt(0.0018 / max(most, 1e-6)), 0.0));
    vec2 flat_on = middle + along * v_uv.y * reach + vec2(-along.y, along.x) * v_uv.x * (0.14 + 0.16 * in_place.w + 0.006 * away);
    gl_Position = most < 0.0018 ? vec4(2.0, 2.0, 2.0, 1.0) : clip_from_world * vec4(flat_on, in_shine.w + 0.04, 1.0);
}
