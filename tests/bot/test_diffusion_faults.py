"""Bad input to the renderer `sdxl`, from the settings' file to the words: what is refused says what to do.

The checkpoint is random and tiny; the way to it is the real one.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from bot.replies import words
from bot.settings import Settings, load_settings
from bot.worker import jobs_place, open_store, stages_of
from canvas import Canvas, GlobalDescription, LocalDescription
from engine.errors import EngineError
from engine.events import Done, Failed
from engine.jobs import ROLES, JobEngine
from engine.studio import Adopt, Studio
from storage.records import ConversationKey, PersonKey, Revision
from tests.bot.conftest import tell_nobody
from tests.engine.sdxl.conftest import tiny_unet
from tests.engine.sdxl.saved import save_checkpoint, save_lora

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TIMEOUT_S = 120
TAB, ANN = ConversationKey("web", "tab-1"), PersonKey("web", "ann")
KNIGHT = LocalDescription("a knight", location="on the left", color="silver")
CANVAS = Canvas(GlobalDescription("a castle at night"), (KNIGHT,))
CONFIG = """
data_dir = "{folder}/data"
[picture]
renderer = "sdxl"
steps = 2
[sdxl]
model = "{folder}/checkpoint"
loras = "{folder}/loras"
device = "cpu"
dtype = "float32"
offline = true
"""


@dataclass
class Painted:
    """A studio that paints with the checkpoint of the settings."""

    settings: Settings
    studio: Studio
    numbers: "count[int]"

    async def said(self, canvas: Canvas = CANVAS, **changed: object) -> tuple[str, str]:
        """What a person reads, in English and Chinese, whose request is refused or fails."""
        result = await self._result(canvas, **changed)
        assert isinstance(result, EngineError), result
        english, chinese = (words(language).error(result) for language in ("en", "zh"))
        return english, chinese

    async def revision(self, canvas: Canvas) -> Revision:
        result = await self._result(canvas)
        assert isinstance(result, Revision), result
        return result

    async def _result(self, canvas: Canvas, **changed: object) -> Revision | EngineError:
        scene = replace(self.settings.scene_settings(), **changed)
        order = Adopt(f"t{next(self.numbers)}", TAB, ANN, canvas, scene)
        try:
            turn_id = await self.studio.submit(order)
        except EngineError as error:
            return error
        async with asyncio.timeout(TIMEOUT_S):
            events = [event async for event in self.studio.events(turn_id)]
        match events[-1]:
            case Done(revision=revision):
                return revision
            case Failed(error=error):
                return error
            case other:
                raise AssertionError(other)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny models are slower on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint, a folder with LoRA, and the settings for them."""
    save_checkpoint(tmp_path / "checkpoint")
    (tmp_path / "loras").mkdir()
    for name, inner in (("ink", None), ("wide", 7)):
        path = tmp_path / "loras" / f"{name}.safetensors"
        save_lora(path, tiny_unet(), part="unet", layers="attn2.to_q", inner=inner)
    (tmp_path / "config.toml").write_text(CONFIG.format(folder=tmp_path))
    return tmp_path


@asynccontextmanager
async def painting(folder: Path) -> AsyncIterator[Painted]:
    """A studio with its worker in this process, as its settings' file says."""
    settings = load_settings(folder / "config.toml")
    async with (
        open_store(settings) as store,
        aclosing(stages_of(settings, store)) as stages,
        JobEngine(
            jobs_place(settings, "test-1"),
            store,
            roles=ROLES,
            stages=stages,
            deliveries={"web": tell_nobody},
        ) as jobs,
        Studio(store, jobs, backends=settings.backends(), limits=settings.studio_limits()) as studio,
    ):
        yield Painted(settings, studio, count(1))


SAMPLERS = "dpmpp_2m_karras, dpmpp_sde, euler, euler_a, unipc, euler_trailing, ddim_trailing, lcm, tcd"
SAID: tuple[tuple[dict[str, object], str, str], ...] = (
    (
        {"sampler": "magic"},
        f"The sampler cannot be magic. Allowed: {SAMPLERS}.",
        f"采样器不能是 magic。允许的值：{SAMPLERS}。",
    ),
    (
        {"loras": "wide"},
        (
            "The LoRA “wide” is made for another kind of model, or its file is broken. "
            "Leave it out, or name another."
        ),
        "LoRA“wide”是为另一类模型制作的，或者文件已损坏。请去掉它，或换一个。",
    ),
    (
        {"loras": "inks"},
        "The LoRA cannot be inks. Allowed: ink, wide.",
        "LoRA 不能是 inks。允许的值：ink, wide。",
    ),
    (
        {"preset": "fast"},
        "The preset cannot be fast. Allowed: quality.",
        "预设不能是 fast。允许的值：quality。",
    ),
    (
        {"width_px": 100_000},
        "The width in pixels cannot be 100000. Allowed: 256-2048.",
        "宽度（像素）不能是 100000。允许的值：256-2048。",
    ),
)


async def test_what_cannot_be_painted_is_said_in_words(folder):
    """Each sentence names what was asked for and what can be; after all of them pictures are painted.

    Those of a canvas without any region, and of one with more than anybody can see, are painted too.
    """
    async with painting(folder) as painted:
        for asked, english, chinese in SAID:
            assert await painted.said(**asked) == (english, chinese)
        for regions in (0, 1, 40):
            canvas = replace(CANVAS, local_descriptions=(KNIGHT,) * regions)
            (image,) = (await painted.revision(canvas)).images
            assert (image.width_px, image.height_px) == (56, 72)


async def test_a_checkpoint_that_is_not_sdxl_is_said_in_words(folder):
    """As one of Stable Diffusion 1.5: its UNet is not told the picture's size."""
    other = UNet2DConditionModel(
        block_out_channels=(8, 8),
        norm_num_groups=4,
        cross_attention_dim=8,
        attention_head_dim=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )
    other.save_pretrained(folder / "checkpoint" / "unet")
    async with painting(folder) as painted:
        english, chinese = await painted.said()
    assert english == (
        "“sdxl” cannot be used here: it is no base model of SDXL; name one as model under [sdxl] in the "
        "settings, for example SG161222/RealVisXL_V4.0. Choose another one."
    )
    assert chinese == (
        "这里不能使用“sdxl”：它不是 SDXL 的基础模型；请在设置的 [sdxl] 中用 model 指定一个，"
        "例如 SG161222/RealVisXL_V4.0。请换一个。"
    )
