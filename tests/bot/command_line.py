"""The command line as people run it: in this process, and as the program itself."""

import subprocess
import sys
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from bot.cli import app

SCRIPT = Path(sys.executable).with_name("omost-bot")
WAIT_S = 120
CODE = """\
Here is your scene:
```python
canvas = Canvas()
canvas.set_global_description(
    description='A quiet harbour in the evening.',
    detailed_descriptions=['Boats lie still.'],
    tags='harbour, evening',
    HTML_web_color_name='midnightblue',
)
canvas.add_local_description(
    location='in the middle',
    offset='no offset',
    area='a medium-sized square area',
    distance_to_viewer=3.0,
    description='A red fishing boat',
    detailed_descriptions=['Its nets hang over the side.'],
    tags='boat',
    atmosphere='calm',
    style='warm',
    quality_meta='detailed',
    HTML_web_color_name='red',
)
canvas.add_local_description(
    location='on the top-right',
    offset='no offset',
    area='a small vertical area',
    distance_to_viewer=6.0,
    description='A white lighthouse',
    detailed_descriptions=['It throws a beam over the water.'],
    tags='lighthouse',
    atmosphere='clear',
    style='simple',
    quality_meta='detailed',
    HTML_web_color_name='white',
)
```
"""


def omost(*arguments, **options):
    """Runs a command in this process."""
    return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="omost-bot", **options)


@contextmanager
def started(*arguments, **options):
    """The real console script as a process, which has ended afterwards."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([SCRIPT, *map(str, arguments)], **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


def size_of(png):
    """Width and height of a picture, which is decoded."""
    with Image.open(BytesIO(png)) as image:
        image.load()
        return image.size
