# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
# SQLite and ring are compiled by the gcc that comes with the image.
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY migrations migrations
COPY src src
COPY simulator simulator
# Not built here, but Cargo.toml names them.
COPY benches/micro.rs benches/micro.rs
COPY tests/main.rs tests/main.rs
# What cargo downloads and builds stays in caches of the builder, so a change recompiles the program
# only. The binary is copied out, because a cache is not part of the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin onelogin-sync \
    && cp target/release/onelogin-sync /usr/local/bin/

FROM debian:bookworm-slim
# The roots of TLS are the system's.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/onelogin-sync /usr/local/bin/
# A number, so that an orchestrator can tell that it is not root. The default database, a SQLite
# file, goes to /data.
RUN install -d -o 10001 -g 10001 /data
VOLUME /data
WORKDIR /data
USER 10001:10001
ENTRYPOINT ["onelogin-sync"]
