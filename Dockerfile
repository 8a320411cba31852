# The program with what it needs, as `make demo` installs it; runs the demo unless told otherwise:
#     docker build -t animeinterp . && docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/frames" animeinterp
# The working folder is /frames; what is written there belongs to you.
FROM python:3.12-slim

# Torch for Linux may bring several GB of CUDA along. --build-arg INDEX=URL adds an index of packages, such as that
# of Torch's builds for CPUs.
ARG INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /opt/animeinterp
COPY . .
RUN pip install ${INDEX:+--extra-index-url "$INDEX"} --constraint constraints.txt . \
    && useradd --create-home --uid 1000 animeinterp \
    && install -d -o animeinterp /frames

# Compiled code is kept in the image, so that no container compiles it again, whoever runs it.
ENV NUMBA_CACHE_DIR=/home/animeinterp/numba
USER animeinterp
WORKDIR /frames
RUN animeinterp demo --folder /tmp/demo --pairs 1 --height 72 --width 128 --quiet && rm -r /tmp/demo \
    && chmod a+x /home/animeinterp && chmod -R a+rwX "$NUMBA_CACHE_DIR"

CMD ["animeinterp", "demo"]
