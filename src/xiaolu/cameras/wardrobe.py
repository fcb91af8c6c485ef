"""What people wear: colours and pieces of clothing, by who they are and how warm the ride's season is."""

from dataclasses import dataclass

import numpy as np

from xiaolu.cameras.traits import Draw, Traits
from xiaolu.core.users import Kind

TOPS = (
    np.array(
        [
            [52, 70, 110], [160, 44, 48], [210, 208, 202], [44, 46, 50], [86, 120, 92], [196, 150, 60],
            [120, 92, 140], [70, 130, 160], [104, 62, 88], [228, 180, 186], [96, 100, 108], [34, 84, 84],
            [236, 234, 230], [30, 32, 38], [62, 58, 54], [176, 188, 204], [148, 120, 92], [226, 92, 52],
        ]
    )
    / 255.0
)  # fmt: skip
TROUSERS = (
    np.array(
        [
            [44, 52, 74], [36, 36, 40], [96, 88, 74], [70, 74, 82], [58, 80, 112], [124, 112, 96], [28, 30, 34],
            [86, 104, 132], [150, 146, 138], [64, 52, 48],
        ]
    )
    / 255.0
)  # fmt: skip
SKIN = np.array([[236, 196, 166], [228, 184, 150], [214, 168, 134], [196, 150, 118], [168, 122, 92]]) / 255.0
HAIR = np.array([[26, 22, 22], [40, 30, 26], [30, 28, 30], [66, 44, 32], [98, 66, 40]]) / 255.0
GREY_HAIR = np.array([[110, 108, 106], [168, 166, 164], [208, 206, 204]]) / 255.0
HELMETS = (
    np.array([[244, 190, 40], [40, 120, 200], [230, 230, 232], [36, 38, 42], [214, 64, 58], [238, 150, 178]]) / 255.0
)
HARD_HATS = np.array([[245, 204, 30], [236, 236, 236], [216, 52, 44], [40, 96, 190]]) / 255.0
COURIERS = np.array([[255, 200, 20], [30, 130, 230]]) / 255.0
UMBRELLAS = (
    np.array([[34, 36, 44], [40, 62, 120], [180, 44, 60], [96, 150, 120], [228, 196, 90], [196, 140, 180]]) / 255.0
)
# An officer: fluorescent vest over a dark winter or light blue summer shirt, cap with a white top, white gloves.
VEST, NAVY, SHIRT, CAP, GLOVE = (0.80, 0.95, 0.14), (0.09, 0.11, 0.18), (0.55, 0.68, 0.84), (0.95,) * 3, (0.98,) * 3
# A road worker: orange or yellow vest with bright bands over dark work clothes.
WORK_VESTS, WORK_CLOTHES = np.array([[1.0, 0.42, 0.06], [0.84, 0.95, 0.12]]), (0.18, 0.22, 0.32)
BAND = (0.92, 0.93, 0.92)
SHOES = np.array([[30, 28, 28], [226, 226, 224], [92, 64, 46]]) / 255.0


@dataclass(frozen=True, slots=True)
class Clothes:
    """n people. Colours (n, 3) of body parts; crown: what covers the head, hair or helmet; crown_size (n,) over that
    of hair; bare (n,) bool: no cloth on the shins; tail_m (n,): how far a coat or skirt reaches below the hip, 0 for
    none, in colour tail; bulk (n,): width of trunk and sleeves over that without thick clothes. Pieces (n,) bool: cap
    of an officer, brim of a hat, bands of a vest, pack on the back, long_hair, a courier's box; thing (n, 3): the
    colour of what they carry."""

    top: np.ndarray
    sleeve: np.ndarray
    forearm: np.ndarray
    hand: np.ndarray
    trousers: np.ndarray
    shin: np.ndarray
    shoe: np.ndarray
    skin: np.ndarray
    hair: np.ndarray
    crown: np.ndarray
    crown_size: np.ndarray
    bare: np.ndarray
    tail: np.ndarray
    tail_m: np.ndarray
    bulk: np.ndarray
    cap: np.ndarray
    brim: np.ndarray
    bands: np.ndarray
    pack: np.ndarray
    long_hair: np.ndarray
    courier: np.ndarray
    thing: np.ndarray


def _one_of(palette: np.ndarray, draw: np.ndarray) -> np.ndarray:
    return palette[(draw * len(palette)).astype(np.int64)]


def clothes_of(people: Traits, warmth: float) -> Clothes:
    """Return the clothes of people. warmth: 0 winter to 1 summer; people differ in what they feel. Shares tuned."""
    kind, draw = people.kind, people.draw
    officer, worker = kind == Kind.OFFICER, kind == Kind.WORKER
    uniform = officer | worker
    rides = (kind == Kind.BICYCLE) | (kind == Kind.E_BIKE)
    courier = (kind == Kind.E_BIKE) & (draw[Draw.EXTRA] < 0.35)
    warm = warmth + 0.5 * (draw[Draw.WARM] - 0.5)

    def dressed(own: np.ndarray, officers, workers) -> np.ndarray:
        return np.where(officer[:, None], officers, np.where(worker[:, None], workers, own))

    own_top = _one_of(TOPS, draw[Draw.TOP])
    own_top = np.where(courier[:, None], COURIERS[(draw[Draw.TOP] * 2).astype(int)], own_top)
    shirt = np.where((warm > 0.5)[:, None], SHIRT, NAVY)
    vest = _one_of(WORK_VESTS, draw[Draw.TOP])
    skin = _one_of(SKIN, draw[Draw.SKIN])
    top = dressed(own_top, VEST, vest)
    sleeve = dressed(own_top * 0.90, shirt, WORK_CLOTHES)
    short = (warm > 0.62) & ~uniform
    own_trousers = _one_of(TROUSERS, draw[Draw.TROUSERS])
    trousers = dressed(own_trousers, NAVY, WORK_CLOTHES)

    thick = np.clip((0.45 - warm) / 0.35, 0.0, 1.0) * ~officer
    skirt = (draw[Draw.SHAPE] > 0.82) & ~uniform & ~rides & ~people.elderly
    coat = (thick > 0.5) & (draw[Draw.SHINS] < 0.5) & ~uniform & ~rides
    tail_m = np.where(skirt, np.where(warm > 0.5, 0.30, 0.42), np.where(coat, 0.36, 0.0))
    bare = short & (skirt | (draw[Draw.SHINS] < 0.35)) & ~rides

    hair = np.where(people.elderly[:, None], _one_of(GREY_HAIR, draw[Draw.HAIR]), _one_of(HAIR, draw[Draw.HAIR]))
    # Most riders of e-bikes wear a helmet, few cyclists do.
    helmet = rides & (draw[Draw.HAT] < np.where(kind == Kind.E_BIKE, 0.8, 0.25)) | courier | worker
    walks = ~rides & ~uniform
    brim = walks & (draw[Draw.HAT] < 0.07) & (warm > 0.4)
    woolly = walks & ~brim & ((draw[Draw.HAT] < 0.18) | ((warm < 0.3) & (draw[Draw.HAT] < 0.45)))
    hats = np.where(brim[:, None], [0.90, 0.84, 0.66], _one_of(TOPS, draw[Draw.THING]))
    own_helmet = np.where(courier[:, None], own_top, _one_of(HELMETS, draw[Draw.THING]))
    crown = np.where((woolly | brim)[:, None], hats, hair)
    crown = np.where(
        helmet[:, None], np.where(worker[:, None], _one_of(HARD_HATS, draw[Draw.THING]), own_helmet), crown
    )
    pack = ((people.child & (draw[Draw.EXTRA] < 0.6)) | (walks & (draw[Draw.EXTRA] < 0.22))) & ~people.elderly
    forearm = np.where(short[:, None], skin, sleeve)
    return Clothes(
        top=top,
        sleeve=sleeve,
        forearm=forearm,
        hand=np.where(officer[:, None], GLOVE, skin),
        trousers=trousers,
        shin=np.where(bare[:, None], skin, trousers * 0.94),
        shoe=_one_of(SHOES, draw[Draw.SHINS]),
        skin=skin,
        hair=hair,
        crown=crown,
        crown_size=np.where(helmet, 1.16, np.where(woolly, 1.06, 1.0)),
        bare=bare,
        tail=np.where(coat[:, None], own_top, own_trousers * 0.5 + own_top * 0.5),
        tail_m=tail_m,
        bulk=1.0 + 0.14 * thick,
        cap=officer,
        brim=brim,
        bands=uniform,
        pack=pack,
        long_hair=(draw[Draw.SHAPE] > 0.55) & ~uniform & ~people.elderly & ~helmet,
        courier=courier,
        thing=_one_of(UMBRELLAS, draw[Draw.THING]),
    )
