"""Settings as plain values and back."""

import pytest

from storage.scene import SceneSettings


def test_settings_survive_as_plain_values():
    """What `to_dict` gives, `from_dict` reads."""
    settings = SceneSettings(width_px=512, guidance=7.5, negative_prompt="模糊", renderer="sdxl")
    assert SceneSettings.from_dict(settings.to_dict()) == settings


def test_other_versions_settings_are_read():
    """Unknown keys are ignored, missing ones take their default, and a whole number is a fraction too."""
    assert SceneSettings.from_dict({"unheard_of": "x", "guidance": 5}) == SceneSettings(guidance=5.0)
    assert isinstance(SceneSettings.from_dict({"guidance": 5}).guidance, float)


@pytest.mark.parametrize(
    "values",
    [{"steps": "25"}, {"steps": 2.5}, {"count": True}, {"composer": None}, {"guidance": 10**400}],
    ids=str,
)
def test_values_of_a_wrong_type_are_refused(values: dict[str, object]):
    """A value whose type is not the setting's raises ValueError that names the setting."""
    with pytest.raises(ValueError, match=next(iter(values))):
        SceneSettings.from_dict(values)
