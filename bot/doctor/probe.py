"""A program that tells what torch finds on this machine, as one JSON object: python -m bot.doctor.probe.

A process of its own, because to load torch takes long, and a broken driver can end whoever asks it.
"""

import json


def main() -> None:
    """Prints the version of torch, that of its CUDA, and the devices, the best first and the CPU last."""
    import torch  # noqa: PLC0415 - importing this module does nothing

    from engine.devices import device_named, free_bytes, has_bfloat16  # noqa: PLC0415 - imports torch

    names = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    names += ["mps"] if torch.backends.mps.is_available() else []
    devices: list[dict[str, object]] = []
    for name in [*names, "cpu"]:
        device = device_named(name, "")
        is_cuda = device.type == "cuda"
        free = free_bytes(device)
        devices.append(
            {
                "name": name,
                "label": torch.cuda.get_device_name(device) if is_cuda else name,
                "free_bytes": free,
                "total_bytes": torch.cuda.mem_get_info(device)[1] if is_cuda else free,
                "has_bfloat16": has_bfloat16(device),
            }
        )
    print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda or "", "devices": devices}))  # noqa: T201


if __name__ == "__main__":
    main()
