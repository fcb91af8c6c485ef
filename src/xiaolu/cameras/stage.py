"""What lies in graphics memory: the town, the bodies, the textures, and the programs that draw them."""

from dataclasses import dataclass, field, replace

import moderngl
import numpy as np

from xiaolu.cameras.building_mesh import FACADES, SHOPS
from xiaolu.cameras.cast import RIGID, SHADOW, Cast
from xiaolu.cameras.lamps import GLOW, SPILL
from xiaolu.cameras.light_map import WALL, LightMap
from xiaolu.cameras.limb import LIMB, ROD, rod
from xiaolu.cameras.mesh import Pass
from xiaolu.cameras.programs import FRAME_BLOCK, KINDS, UNITS, programs
from xiaolu.cameras.signal_mesh import SIGNAL, head_mesh
from xiaolu.cameras.textures import facade_layers, ground_layers
from xiaolu.cameras.town_mesh import TownMesh
from xiaolu.cameras.vehicle_mesh import Body, bodies

PASS_NAMES = {Pass.PLAIN: "plain", Pass.FACADE: "facade", Pass.GROUND: "ground"}
STATIC_LAYOUT = ("3f4 4i1 2f4 4f1 4u1", "in_position", "in_normal", "in_uv", "in_colour", "in_code")
RIGID_LAYOUT = ("4f4 4f4 4f1 4f1 u4/i", "in_place", "in_size", "in_paint", "in_second", "in_label")
LIMB_LAYOUT = ("3f4 3f4 3f4 3f4 4f1 u4/i", "in_start", "in_end", "in_side", "in_shape", "in_colour", "in_label")
SIGNAL_LAYOUT = ("4f4 4f4/i", "in_place", "in_state")
SHADOW_LAYOUT = ("4f4 4f4/i", "in_place", "in_size")
GLOW_LAYOUT = ("4f4 4f4 4f4/i", "in_place", "in_shine", "in_facing")
SPILL_LAYOUT = ("4f4 4f4/i", "in_place", "in_shine")
WALL_LAYOUT = ("4f4 2f4/i", "in_wall", "in_height")
FRAME_ROWS = 16  # rows of four floats in the uniform block of shaders/common.glsl

ROOM_BYTES = 1 << 18  # of indices for one camera and program, to begin with
EYES_CELL_M = 32.0  # what can be seen at all is looked up once for all eyes in a square of this size


@dataclass(slots=True)
class Instanced:
    """A shape that is drawn many times from a table: its program's name, what a vertex array of it is made of, the
    table's buffer, and the arrays by kind of drawing, each made when first drawn."""

    program: str
    content: list
    indices: moderngl.Buffer
    table: moderngl.Buffer
    capacity: int
    arrays: dict[str, moderngl.VertexArray] = field(default_factory=dict)


@dataclass(slots=True)
class Blocks:
    """What a camera was last shown of the town by one program: the indices, of which blocks (key), how many (total)."""

    indices: moderngl.Buffer
    key: bytes = b""
    total: int = 0
    arrays: dict[str, moderngl.VertexArray] = field(default_factory=dict)


class Stage:
    """Owns all graphics objects of a renderer but its framebuffers."""

    def __init__(self, context: moderngl.Context, town: TownMesh) -> None:
        self.context = context
        self._owned: list = []
        self._kinds: dict[str, dict[str, moderngl.Program]] = {}
        self.frame = self._keep(context.buffer(reserve=FRAME_ROWS * 16))
        self._vertices = self._keep(context.buffer(town.vertices.view(np.uint8)))
        # The card holds the vertices now; keeping them twice would cost a town of 13,700 lanes some 40 MB.
        self.town = replace(town, vertices=town.vertices[:0].copy())
        self._around: tuple[tuple[int, int], np.ndarray] = (
            (0, 0),
            town.around(0.5 * EYES_CELL_M, 0.5 * EYES_CELL_M, EYES_CELL_M),
        )
        self._blocks: dict[tuple[str, Pass], Blocks] = {}
        self.walls = self._texture(facade_layers(FACADES, SHOPS))
        self.grounds = self._texture(ground_layers())
        self.bodies = {body: self._rigid(*shape.built()) for body, shape in bodies().items()}
        self.rods = self._instanced("limb", rod(ROD, 6), "3f4 1f4", ("in_unit", "in_radius"), LIMB_LAYOUT, LIMB)
        self.heads = self._instanced(
            "signal",
            head_mesh(),
            "3f4 4i1 2f4 4u1",
            ("in_position", "in_normal", "in_uv", "in_part"),
            SIGNAL_LAYOUT,
            SIGNAL,
        )
        corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], "f4")
        self.shadows = self._instanced(
            "shadow", (corner, np.array([[0, 1, 2], [0, 2, 3]])), "2f4", ("in_corner",), SHADOW_LAYOUT, SHADOW
        )
        square = (corner, np.array([[0, 1, 2], [0, 2, 3]]))
        self.glows = self._instanced("glow", square, "2f4", ("in_corner",), GLOW_LAYOUT, GLOW)
        self.gleams = self._instanced("gleam", square, "2f4", ("in_corner",), GLOW_LAYOUT, GLOW)
        self.spills = self._instanced("spill", square, "2f4", ("in_corner",), SPILL_LAYOUT, SPILL)
        self.eclipses = self._instanced("eclipse", square, "2f4", ("in_corner",), WALL_LAYOUT, WALL)
        self.light_map = self._keep(LightMap(context))
        self._covers: dict[tuple[str, str], moderngl.VertexArray] = {}

    def built(self, kind: str) -> dict[str, moderngl.Program]:
        """Return the programs of a kind of drawing by name, compiled when first asked for."""
        if kind not in self._kinds:
            self._kinds[kind] = programs(self.context, kind)
            self._owned += self._kinds[kind].values()
        return self._kinds[kind]

    def cover(self, kind: str, program: str) -> tuple[moderngl.Program, moderngl.VertexArray]:
        """Return a program and the triangle that covers a whole picture with it."""
        if (kind, program) not in self._covers:
            array = self.context.vertex_array(self.built(kind)[program], [])
            self._covers[kind, program] = self._keep(array)
        return self.built(kind)[program], self._covers[kind, program]

    def _keep(self, thing):
        self._owned.append(thing)
        return thing

    def _texture(self, layers: np.ndarray) -> moderngl.TextureArray:
        count, height, width, parts = layers.shape
        texture = self._keep(self.context.texture_array((width, height, count), parts, layers.tobytes()))
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        return texture

    def _instanced(
        self, program: str, mesh, layout: str, names: tuple[str, ...], table_layout, table_type
    ) -> Instanced:
        vertices = self._keep(self.context.buffer(np.ascontiguousarray(mesh[0]).tobytes()))
        indices = self._keep(self.context.buffer(mesh[1].astype("u4").tobytes()))
        capacity = 64
        table = self._keep(self.context.buffer(reserve=capacity * table_type.itemsize))
        assert any(program in sources for sources, _ in KINDS.values()), program
        return Instanced(program, [(vertices, layout, *names), (table, *table_layout)], indices, table, capacity)

    def _rigid(self, vertices: np.ndarray, triangles: np.ndarray) -> Instanced:
        names = ("in_position", "in_normal", "in_part")
        return self._instanced("rigid", (vertices, triangles), "3f4 4i1 4u1", names, RIGID_LAYOUT, RIGID)

    def draw_instances(self, kind: str, shape: Instanced, table: np.ndarray) -> None:
        """Draw a shape once for every row of a table."""
        if not len(table):
            return
        if len(table) > shape.capacity:
            shape.capacity = 2 * len(table)
            shape.table.orphan(shape.capacity * table.dtype.itemsize)
        shape.table.write(np.ascontiguousarray(table))
        if kind not in shape.arrays:
            program = self.built(kind)[shape.program]
            array = self.context.vertex_array(program, shape.content, shape.indices, skip_errors=True)
            shape.arrays[kind] = self._keep(array)
        shape.arrays[kind].render(instances=len(table))

    def blocks_near(self, eye: np.ndarray, focal_px: float, far_m: float) -> np.ndarray:
        """Return the blocks of the town to be shown to an eye (3,) that sees as far as far_m, nearest first."""
        cell = (int(eye[0] // EYES_CELL_M), int(eye[1] // EYES_CELL_M))
        if cell != self._around[0]:
            x_m, y_m = ((c + 0.5) * EYES_CELL_M for c in cell)
            self._around = cell, self.town.around(x_m, y_m, EYES_CELL_M)
        return self.town.near(eye, focal_px, self._around[1], far_m)

    def draw_town(self, kind: str, view: str, blocks: np.ndarray) -> None:
        """Draw blocks of the town in the order given. view: whose they are; its last ones are kept, as from one
        moment to the next they seldom change."""
        for drawn_by in Pass:
            chosen = blocks[self.town.drawn_by[blocks] == drawn_by]
            if not len(chosen):
                continue
            if (view, drawn_by) not in self._blocks:
                self._blocks[view, drawn_by] = Blocks(self._keep(self.context.buffer(reserve=ROOM_BYTES)))
            kept = self._blocks[view, drawn_by]
            key = chosen.tobytes()
            if key != kept.key:
                joined = np.concatenate(
                    [
                        self.town.indices[f : f + n]
                        for f, n in zip(self.town.first[chosen], self.town.count[chosen], strict=True)
                    ]
                )
                if joined.nbytes > kept.indices.size:
                    kept.indices.orphan(2 * joined.nbytes)
                kept.indices.write(joined)
                kept.key, kept.total = key, len(joined)
            if kind not in kept.arrays:
                program, content = self.built(kind)[PASS_NAMES[drawn_by]], [(self._vertices, *STATIC_LAYOUT)]
                array = self.context.vertex_array(program, content, kept.indices, skip_errors=True)
                kept.arrays[kind] = self._keep(array)
            kept.arrays[kind].render(vertices=kept.total)

    def draw_cast(self, kind: str, cast: Cast, seen: np.ndarray) -> None:
        """Draw those of a cast that are seen, (n,) bool."""
        body = cast.body[seen]
        rigid = cast.rigid[seen]
        for one in np.unique(body[body >= 0]):
            self.draw_instances(kind, self.bodies[Body(one)], rigid[body == one])
        self.draw_instances(kind, self.rods, cast.limbs[seen[cast.limb_of]])

    def use(self) -> None:
        """Bind what all programs share."""
        self.frame.bind_to_uniform_block(FRAME_BLOCK)
        self.walls.use(UNITS["walls"])
        self.grounds.use(UNITS["grounds"])
        self.light_map.texture.use(UNITS["light_map"])

    def release(self) -> None:
        """Give all graphics memory back."""
        for thing in reversed(self._owned):
            thing.release()
        self._owned.clear()
