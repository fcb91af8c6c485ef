"""Pixels to tokens: a small residual network, one token for every 32 x 32 pixels.

x_BCHW: batch, channels, height, width. x_BTD: batch, tokens row by row, token numbers.
Plain 3 x 3 convolutions: on a CPU they run at several times the rate of depthwise ones. Every camera shares the
weights; cameras of one size share the statistics of the norms, which fold into the convolutions at export.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from xiaolu.codec.contract import CELL_CLASSES, TOKEN_PX
from xiaolu.codec.moment import CELL_PX
from xiaolu.model.config import ModelConfig

CELLS = TOKEN_PX // CELL_PX  # a token's side in label cells


def kind_of(width_px: int, height_px: int) -> str:
    """Return the name that cameras of one size share: their graph and their norms go by it."""
    return f"{width_px}x{height_px}"


class KindNorm(nn.Module):
    """Batch norm with statistics of its own for every kind of camera."""

    def __init__(self, width: int, kinds: Sequence[str]) -> None:
        super().__init__()
        self.norms = nn.ModuleDict({kind: nn.BatchNorm2d(width) for kind in kinds})

    def forward(self, x_BCHW: Tensor, kind: str) -> Tensor:
        return self.norms[kind](x_BCHW)


class Block(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

    def __init__(self, width: int, kinds: Sequence[str]) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm = KindNorm(width, kinds)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = KindNorm(width, kinds)

    def forward(self, x_BCHW: Tensor, kind: str) -> Tensor:
        inner = functional.relu(self.first_norm(self.first(x_BCHW), kind))
        return functional.relu(x_BCHW + self.second_norm(self.second(inner), kind))


class Stage(nn.Module):
    """A step down in resolution, then blocks."""

    def __init__(self, width_in: int, width: int, depth: int, stride: int, kinds: Sequence[str]) -> None:
        super().__init__()
        self.down = nn.Conv2d(width_in, width, stride, stride=stride, bias=False)
        self.norm = KindNorm(width, kinds)
        self.blocks = nn.ModuleList(Block(width, kinds) for _ in range(depth))

    def forward(self, x_BCHW: Tensor, kind: str) -> Tensor:
        x_BCHW = functional.relu(self.norm(self.down(x_BCHW), kind))
        for block in self.blocks:
            x_BCHW = block(x_BCHW, kind)
        return x_BCHW


class Backbone(nn.Module):
    """Frames to tokens. The normalisation of pixels is inside."""

    def __init__(self, config: ModelConfig, kinds: Sequence[str]) -> None:
        super().__init__()
        widths = (3, *config.widths)
        self.stages = nn.ModuleList(
            Stage(widths[i], widths[i + 1], config.depths[i], 4 if i == 0 else 2, kinds) for i in range(4)
        )
        # Finer features join the coarsest ones: a kerb's place to a tenth of a token comes from them.
        self.token_fine = nn.Conv2d(config.widths[2], config.token_dim, 2, stride=2)
        self.token_coarse = nn.Conv2d(config.widths[3], config.token_dim, 1)
        self.token_norm = nn.LayerNorm(config.token_dim)

    def forward(self, frames_BHWC: Tensor) -> Tensor:
        """Return tokens (B, T, D) of uint8 frames (B, H, W, 3) of one kind of camera."""
        kind = kind_of(frames_BHWC.shape[2], frames_BHWC.shape[1])
        x_BCHW = frames_BHWC.permute(0, 3, 1, 2).float() * (2.0 / 255.0) - 1.0
        return self.tokens(x_BCHW, kind)

    def tokens(self, x_BCHW: Tensor, kind: str) -> Tensor:
        """Return tokens (B, T, D) of pixels in -1 to 1."""
        fine = x_BCHW
        for stage in self.stages[:3]:
            fine = stage(fine, kind)
        coarse = self.stages[3](fine, kind)
        tokens_BDHW = self.token_coarse(coarse) + self.token_fine(fine)
        return self.token_norm(tokens_BDHW.flatten(2).transpose(1, 2))


class DenseHead(nn.Module):
    """What every cell of the image shows and how far it is, read back from the tokens alone."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.hidden = nn.Linear(config.token_dim, 2 * config.token_dim)
        self.out = nn.Linear(2 * config.token_dim, CELLS * CELLS * (CELL_CLASSES + 1))

    def forward(self, tokens_BTD: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Return class logits (B, CELL_CLASSES, h, w) and log depth (B, h, w) on the grid of CELL_PX cells.

        rows, columns: of tokens; h = rows * CELLS.
        """
        x = self.out(functional.gelu(self.hidden(tokens_BTD)))
        x = x.view(-1, rows, columns, CELLS, CELLS, CELL_CLASSES + 1)
        x = x.permute(0, 5, 1, 3, 2, 4).reshape(-1, CELL_CLASSES + 1, rows * CELLS, columns * CELLS)
        return x[:, :CELL_CLASSES], x[:, CELL_CLASSES].float()


def grid_of(width_px: int, height_px: int) -> tuple[int, int]:
    """Return the rows and columns of tokens of an image."""
    return height_px // TOKEN_PX, width_px // TOKEN_PX


def standard_init(module: nn.Module) -> None:
    """Give convolutions He's scale, and everything else the transformer's small one."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(part, (nn.Linear, nn.Embedding)):
            nn.init.trunc_normal_(
                part.weight, std=0.02 if isinstance(part, nn.Embedding) else part.weight.shape[1] ** -0.5
            )
        if isinstance(part, (nn.Linear, nn.Conv2d)) and part.bias is not None:
            nn.init.zeros_(part.bias)
        if isinstance(part, Block):
            for norm in part.second_norm.norms.values():
                nn.init.constant_(torch.as_tensor(norm.weight), 0.2)
