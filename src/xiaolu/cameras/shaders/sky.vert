uniform vec4 ray_x;      // world directions of the picture's corner, one pixel-width unit right, and down
uniform vec4 ray_y;
uniform vec4 ray_z;
out vec3 v_ray;
void main() {
    vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0;
    v_ray = ray_z.xyz + ray_x.xyz * corner.x + ray_y.xyz * corner.y;
    gl_Position = vec4(corner, 1.0, 1.0);
}
