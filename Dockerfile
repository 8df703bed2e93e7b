# The bot, its workers and the command line in one image:
#     docker build --tag omost-bot .                    plans and draws without a model, on any machine
#     docker build --tag omost-bot-gpu --target gpu .   with the libraries that models need, for NVIDIA's GPUs
# docs/operating.md says how to run it. The settings are in /etc/omost-bot/config.toml, which has to be mounted, or in the
# environment; everything that is kept is in /data.

FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --home-dir /data omost \
    && install --directory --owner=omost --group=omost /data
ENV LANG=C.UTF-8 \
    PATH=/opt/omost-bot/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/data/huggingface \
    OMOST_DATA_DIR=/data \
    OMOST_WEB__HOST=0.0.0.0 \
    OMOST_METRICS__HOST=0.0.0.0 \
    OMOST_METRICS__PORT=9464 \
    OMOST_METRICS__WORKER_PORT=9465
WORKDIR /data
VOLUME /data
EXPOSE 7860 9464 9465
# tini hands on signals and collects what has ended; docker stop sends SIGTERM, docker kill --signal=HUP reloads
ENTRYPOINT ["tini", "--", "omost-bot"]
CMD ["run"]
# of the command "run"; that of a worker asks port 9465 (compose.postgres.yaml)
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD python3 -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/healthz')"

FROM base AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_CONSTRAINT=/src/constraints.txt
COPY . /src
RUN python3 -m venv /opt/omost-bot \
    && /opt/omost-bot/bin/pip install /src

FROM build AS build-gpu
RUN /opt/omost-bot/bin/pip install "/src[gpu]"

FROM base AS gpu
# what is compiled for a GPU is compiled at run time, by Triton with a C compiler
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev libpython3-dev \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build-gpu /opt/omost-bot /opt/omost-bot
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER omost

FROM base AS cpu
COPY --from=build /opt/omost-bot /opt/omost-bot
USER omost
