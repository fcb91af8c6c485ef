in vec3 v_colour;
in float v_fog;
in vec2 v_uv;
in vec2 v_ground;
in vec3 v_light;
flat in vec4 v_line;
flat in vec4 v_paint;
flat in float v_layer;
flat in uint v_class;
flat in uint v_paint_class;

// How much of a pixel of this width lies within from..to, and within the dashes: exact for a box-shaped pixel, so that
// lines fade with distance instead of flickering.
float covered(float x, float pixel, float from, float to) {
    return max(min(x + 0.5 * pixel, to) - max(x - 0.5 * pixel, from), 0.0) / pixel;
}

float dashes(float s, float pixel, float period, float dash) {
    vec2 end = (s + vec2(0.5, -0.5) * pixel) / period;
    float share = dash / period;
    vec2 total = floor(end) * share + min(fract(end), share);
    return (total.x - total.y) / (pixel / period);
}

// Share of paint: the left line's in x, the right-hand edge's in y.
vec2 paint() {
    vec2 pixel = max(fwidth(v_uv), vec2(1e-4));
    float line = covered(v_uv.x, pixel.x, v_line.x, v_line.y) * dashes(v_uv.y, pixel.y, v_line.z, v_line.w);
    float edge = covered(v_uv.x, pixel.x, v_paint.w - 0.08, v_paint.w + 0.07) * step(-1.0, v_paint.w);
    return vec2(line, edge * (1.0 - line));
}

#ifdef LABELS
layout(location = 0) out uint label;
void main() { vec2 share = paint(); label = share.x + share.y > 0.5 ? v_paint_class : v_class; }
#else
uniform sampler2DArray grounds;
layout(location = 0) out vec4 image;
void main() {
    vec3 pattern = texture(grounds, vec3(v_ground * (v_layer == 1.0 ? 0.5 : 0.25), v_layer)).rgb * 2.0;
    vec3 colour = v_colour * (1.0 - 0.38 * sun_light.w);
    vec2 share = paint() * 0.9;
    // Lines at the right edge are always white, or of the kerb's stone.
    vec3 edge = v_paint_class == 4u ? v_paint.rgb : vec3(0.86, 0.86, 0.84);
    colour = mix(mix(colour, v_paint.rgb, share.x), edge, share.y) * pattern * light_here(v_light);
    image = vec4(through_air(mix(colour, zenith.rgb, 0.22 * sun_light.w), fog_here(v_fog)), 1.0);
}
#endif
