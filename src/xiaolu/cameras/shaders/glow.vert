// A shining lamp as a disc that always faces the eye, drawn on top of what is there.
in vec2 in_corner;
in vec4 in_place;    // x, y, z; w: radius
in vec4 in_shine;    // rgb; w: height of the ground below
in vec4 in_facing;   // where it shines, level; w: how narrowly, 0 everywhere
out vec2 v_uv;
flat out vec3 v_shine;
void main() {
    vec3 to_eye = eye.xyz - in_place.xyz;
    float away = max(length(to_eye), 0.1);
    vec4 middle = clip_from_world * vec4(in_place.xyz + to_eye / away * 0.45, 1.0);
    float facing = in_facing.w == 0.0 ? 1.0 : pow(max(dot(in_facing.xyz, to_eye) / away, 0.0), in_facing.w);
    // Far lamps stay wider than a pixel, but pale; thick air widens them all.
    float radius_m = in_place.w * (1.0 + min(away * haze.w * 0.9, 1.6));
    vec2 reach = max(radius_m * per_metre.xy / max(middle.w, 0.1), 1.6 * per_metre.zw);
    float pale = min(radius_m * per_metre.x / (max(middle.w, 0.1) * reach.x), 1.0);
    v_shine = in_shine.rgb * facing * (0.45 + 0.55 * pale) * (1.0 - fog_over(away)) * lamps.x;
    // What adds less than half a level of 255 is not drawn: the rim of a disc, or all of it.
    float most = max(v_shine.r, max(v_shine.g, v_shine.b));
    float rest = pow(0.0045 / max(most, 1e-6), 1.0 / 3.0);
    v_uv = in_corner * sqrt(max(1.0 - rest, 0.0));
    gl_Position = most < 0.0013 ? vec4(2.0, 2.0, 2.0, 1.0) : middle + vec4(v_uv * reach * middle.w, 0.0, 0.0);
}
