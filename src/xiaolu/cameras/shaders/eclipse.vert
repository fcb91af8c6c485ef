// A wall's shadow on the light map: how high it reaches above each place, falling from the wall to the shadow's tip.
in vec2 in_corner;
in vec4 in_wall;     // x, y of its ends
in vec2 in_height;   // of its foot, of its top
out float v_height;
void main() {
    vec2 share = in_corner * 0.5 + 0.5;
    float tall = max(in_height.y - in_height.x, 0.0);
    vec2 place = mix(in_wall.xy, in_wall.zw, share.x) + beam.xy * map.w * tall * share.y;
    v_height = in_height.y - tall * share.y;
    gl_Position = vec4((place - map.xy) * map.z * 2.0 - 1.0, 0.0, 1.0);
}
