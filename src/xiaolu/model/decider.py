"""Tokens, ego, route and words to proposals: a fixed set of implicit tokens in one trunk, and heads that read them.

Axes: B batch, L memory tokens, Q implicit and input tokens, D width, C path choices.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from xiaolu.codec.contract import TOKEN_PX, Contract
from xiaolu.codec.ego import EGO_SIZE
from xiaolu.codec.memory import MemoryLayout
from xiaolu.codec.proposals import MAX_CURVATURE_1PM, MAX_PLANNED_MPS, PathChoice
from xiaolu.codec.route import ROUTE_SIZE
from xiaolu.codec.text import TEXT_BUCKETS
from xiaolu.core.decision import Cause, LampColour, Pace
from xiaolu.core.plan import PATH_DISTANCES_M, PATH_POINTS, SPEED_KNOTS
from xiaolu.model.config import ModelConfig

RAY_SIZE = 7
AGE_SIZE = 4
ROUTE_TOKENS = 2
BEND = 0.125  # a path head's output of 1 means an eighth of the sharpest bend: paths are mostly straight
MASKED = -3e4  # added to a score: as good as minus infinity, and still a number when everything is masked


def place_rays(contract: Contract) -> Tensor:
    """Return (places, RAY_SIZE): where each token looks, from intrinsics and mounting.

    Unit ray of the token's middle in the ego frame, the camera's place by 2 m, log focal length by 100 px.
    """
    rows = []
    for camera in contract.cameras:
        u = torch.arange(TOKEN_PX / 2, camera.width_px, TOKEN_PX, dtype=torch.float64)
        v = torch.arange(TOKEN_PX / 2, camera.height_px, TOKEN_PX, dtype=torch.float64)
        v_HW, u_HW = torch.meshgrid(v, u, indexing="ij")
        pixels = torch.stack([u_HW, v_HW, torch.ones_like(u_HW)], dim=-1).reshape(-1, 3)
        mount = torch.tensor(camera.ego_from_camera)
        rays = pixels @ torch.linalg.inv(torch.tensor(camera.intrinsics)).T @ mount[:3, :3].T
        rays = rays / rays.norm(dim=-1, keepdim=True)
        fixed = torch.cat([mount[:3, 3] / 2.0, torch.log(torch.tensor([camera.focal_px / 100.0]))])
        rows.append(torch.cat([rays, fixed.expand(len(rays), 4)], dim=-1))
    return torch.cat(rows).float()


class Attention(nn.Module):
    """Multi-head attention of queries (B, Q, D) over keys (B, K, D)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def split(self, x_BND: Tensor) -> Tensor:
        return x_BND.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, x_BQD: Tensor, keys_BKD: Tensor, bias_B11K: Tensor | None = None) -> Tensor:
        key, value = self.key_value(keys_BKD).chunk(2, dim=-1)
        if bias_B11K is not None:
            bias_B11K = bias_B11K.to(key.dtype)
        mixed = functional.scaled_dot_product_attention(
            self.split(self.query(x_BQD)), self.split(key), self.split(value), attn_mask=bias_B11K
        )
        return self.out(mixed.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Tokens look at the memory, at each other, and think."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.look = Attention(dim, heads)
        self.mix = Attention(dim, heads)
        self.think = nn.Sequential(nn.Linear(dim, 3 * dim), nn.GELU(), nn.Linear(3 * dim, dim))

    def forward(self, x_BQD: Tensor, memory_BLD: Tensor, bias_B11L: Tensor) -> Tensor:
        x_BQD = x_BQD + self.look(self.norms[0](x_BQD), memory_BLD, bias_B11L)
        inner = self.norms[1](x_BQD)
        x_BQD = x_BQD + self.mix(inner, inner)
        return x_BQD + self.think(self.norms[2](x_BQD))


class Decider(nn.Module):
    """The second graph: everything above the tokens."""

    rays_PF: Tensor  # noqa: N815
    steps_m: Tensor
    sums: Tensor

    def __init__(self, config: ModelConfig, contract: Contract) -> None:
        super().__init__()
        dim = config.dim
        self.register_buffer("rays_PF", place_rays(contract), persistent=False)
        places = MemoryLayout(contract).places
        self.token_in = nn.Linear(config.token_dim, dim)
        self.place_in = nn.Sequential(nn.Linear(RAY_SIZE, dim), nn.GELU(), nn.Linear(dim, dim))
        self.place_own = nn.Embedding(places, dim)
        self.age_in = nn.Linear(AGE_SIZE, dim)
        self.memory_norm = nn.LayerNorm(dim)
        self.ego_in = nn.Sequential(nn.Linear(EGO_SIZE, dim), nn.GELU(), nn.Linear(dim, dim))
        self.route_in = nn.Sequential(nn.Linear(ROUTE_SIZE, 2 * dim), nn.GELU(), nn.Linear(2 * dim, ROUTE_TOKENS * dim))
        self.words = nn.Embedding(TEXT_BUCKETS, config.text_dim, padding_idx=0)
        self.text_in = nn.Sequential(nn.Linear(config.text_dim, dim), nn.GELU(), nn.Linear(dim, dim))
        self.implicit_QD = nn.Parameter(torch.randn(config.implicit_tokens, dim) * 0.5)
        self.layers = nn.ModuleList(Layer(dim, config.heads) for _ in range(config.layers))
        self.final_norm = nn.LayerNorm(dim)
        # The first three implicit tokens are read by one family of heads each; the rest are for thinking.
        self.path_hidden = nn.Linear(dim, 2 * dim)
        self.path_choices = nn.Parameter(torch.randn(len(PathChoice), 2 * dim) * 0.5)
        self.path_out = nn.Linear(2 * dim, PATH_POINTS)
        self.path_logits = nn.Linear(2 * dim, len(PathChoice))
        self.speed_hidden = nn.Linear(2 * dim, 2 * dim)
        self.speed_out = nn.Linear(2 * dim, len(Pace) * SPEED_KNOTS)
        self.pace_logits = nn.Linear(2 * dim, len(Pace))
        self.perceive_hidden = nn.Linear(dim, dim)
        self.signal_logits = nn.Linear(dim, len(LampColour))
        self.nearness = nn.Linear(dim, 2)
        self.cause_logits = nn.Linear(dim, len(Cause))
        distances = torch.tensor(PATH_DISTANCES_M.copy(), dtype=torch.float32)
        self.register_buffer("steps_m", torch.diff(distances, prepend=torch.zeros(1)), persistent=False)
        self.register_buffer("sums", torch.triu(torch.ones(PATH_POINTS, PATH_POINTS)), persistent=False)

    def small_outputs(self) -> None:
        """Start from straight paths at a walking pace: the first steps of training are then gentle."""
        nn.init.normal_(self.path_out.weight, std=1e-2)
        nn.init.normal_(self.speed_out.weight, std=1e-2)
        nn.init.constant_(self.speed_out.bias, -1.0)

    def integrate(self, curvature_BCN: Tensor) -> Tensor:
        """Return points (B, C, PATH_POINTS, 2) of paths given by their curvature on each step, from the ego on."""
        turn = curvature_BCN * self.steps_m
        heading = turn @ self.sums
        middle = heading - 0.5 * turn
        x = (torch.cos(middle) * self.steps_m) @ self.sums
        y = (torch.sin(middle) * self.steps_m) @ self.sums
        return torch.stack([x, y], dim=-1)

    def remember(self, tokens_BLD: Tensor, age_s_BL: Tensor, place_BL: Tensor) -> Tensor:
        """Return memory (B, L, D): what each token saw, where it looks, and how long ago."""
        places_PD = self.place_in(self.rays_PF) + self.place_own.weight
        age = torch.stack(
            [0.5 * age_s_BL, torch.exp(-10.0 * age_s_BL), torch.exp(-2.0 * age_s_BL), torch.exp(-age_s_BL)], dim=-1
        )
        return self.memory_norm(
            self.token_in(tokens_BLD) + functional.embedding(place_BL, places_PD) + self.age_in(age)
        )

    def read(self, text_BW: Tensor) -> Tensor:
        """Return one token (B, D) for a text's ids (B, W); a fixed one when there is no text."""
        known = (text_BW > 0).float().unsqueeze(-1)
        total = (self.words(text_BW) * known).sum(dim=1) / known.sum(dim=1).clamp(min=1.0).sqrt()
        return self.text_in(total)

    def forward(
        self,
        tokens_BLD: Tensor,
        age_s_BL: Tensor,
        place_BL: Tensor,
        mask_BL: Tensor,
        ego_BE: Tensor,
        route_BR: Tensor,
        text_BW: Tensor,
    ) -> dict[str, Tensor]:
        """Return the proposals by name, shapes as in codec.proposals.output_shapes, batch first."""
        memory = self.remember(tokens_BLD, age_s_BL, place_BL)
        bias_B11L = ((1.0 - mask_BL) * MASKED)[:, None, None, :]
        inputs = torch.cat(
            [
                self.ego_in(ego_BE).unsqueeze(1),
                self.route_in(route_BR).unflatten(1, (ROUTE_TOKENS, -1)),
                self.read(text_BW).unsqueeze(1),
            ],
            dim=1,
        )
        # Every implicit token begins with what is asked of the driver: it then knows where to look.
        asked_BQD = self.implicit_QD + inputs.mean(dim=1, keepdim=True)
        x_BQD = torch.cat([asked_BQD, inputs], dim=1)
        for layer in self.layers:
            x_BQD = layer(x_BQD, memory, bias_B11L)
        x_BQD = self.final_norm(x_BQD)
        steer_BD, speed_BD, see_BD = x_BQD[:, 0], x_BQD[:, 1], x_BQD[:, 2]
        path = self.path_hidden(steer_BD)
        curvature = self.path_out(functional.gelu(path.unsqueeze(1) + self.path_choices)).float()
        pace = functional.gelu(self.speed_hidden(torch.cat([speed_BD, see_BD], dim=-1)))
        seen = functional.gelu(self.perceive_hidden(see_BD))
        near = torch.sigmoid(self.nearness(seen).float())
        speeds = torch.sigmoid(self.speed_out(pace).float()).unflatten(1, (len(Pace), SPEED_KNOTS))
        with torch.autocast(tokens_BLD.device.type, enabled=False):
            paths = self.integrate(MAX_CURVATURE_1PM * torch.tanh(BEND * curvature))
        return {
            "path_logits": self.path_logits(functional.gelu(path)).float(),
            "paths": paths,
            "pace_logits": self.pace_logits(pace).float(),
            "speeds_mps": MAX_PLANNED_MPS * speeds,
            "signal_logits": self.signal_logits(seen).float(),
            "signal_near": near[:, :1],
            "hazard_near": near[:, 1:],
            "cause_logits": self.cause_logits(seen).float(),
        }
