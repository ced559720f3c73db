# syntax=docker/dockerfile:1
#
# Two images: the job, and with `--target simulator` the stand-in OneLogin of docker-compose.yml.

FROM rust:1.95-slim-bookworm AS source
# The gcc of this image compiles SQLite and ring.
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
# Cargo reads the manifest of every crate of a workspace, also of one that it does not build.
COPY simulator/Cargo.toml simulator/
COPY migrations migrations
COPY src src
# Linked statically, the binary needs nothing of the image that it runs in. `--target` keeps the flag
# from procedural macros, which cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN rustc -vV | sed -n 's/^host: //p' >/target
# Folders of the job: its data, and temporary files of SQLite and of windows that memory does not hold.
RUN mkdir -p /folders/data /folders/tmp && chmod 1777 /folders/tmp

# Caches of the builder keep what cargo downloads and builds, so that a change recompiles the program
# only. A cache is not part of the image, therefore the binary is copied out of it.
FROM source AS build
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --no-default-features --bin onelogin-sync --target "$(cat /target)" \
    && cp "target/$(cat /target)/release/onelogin-sync" /usr/local/bin/

FROM source AS build-simulator
COPY simulator simulator
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin onelogin-sync --target "$(cat /target)" \
    && cp "target/$(cat /target)/release/onelogin-sync" /usr/local/bin/

FROM scratch AS simulator
COPY --from=build-simulator /usr/local/bin/onelogin-sync /usr/local/bin/
USER 10001:10001
EXPOSE 8017
ENTRYPOINT ["/usr/local/bin/onelogin-sync", "simulate", "--host", "0.0.0.0"]

# The last stage is what a build without `--target` makes.
FROM scratch AS job
LABEL org.opencontainers.image.title="onelogin-sync" \
      org.opencontainers.image.description="Copies failed provisioning from OneLogin into Postgres or SQLite" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# TLS uses the roots of the system.
COPY --from=source /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/bin/onelogin-sync /usr/local/bin/
# A number, so that an orchestrator sees that it is not root. The default database, a SQLite
# file, goes to /data.
COPY --from=source --chown=10001:10001 /folders /
VOLUME /data
WORKDIR /data
USER 10001:10001
ENTRYPOINT ["/usr/local/bin/onelogin-sync"]
