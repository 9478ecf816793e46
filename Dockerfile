# For those who build images with Docker or Buildah. `make image` needs neither and makes the same files from the same code;
# digests differ, because each builder packs them in its own way.
#
#   docker build --build-arg VERSION=v0.0.0-local --build-arg REVISION="$(git rev-parse HEAD)" -t holdfast .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION
ARG REVISION
# No file carries a time that matters here.
ENV SOURCE_DATE_EPOCH=0
WORKDIR /source
COPY . .
RUN go -C hack/image run . -source /source -platforms "$TARGETOS/$TARGETARCH" -version "$VERSION" -revision "$REVISION" -rootfs /rootfs

FROM scratch
COPY --from=build /rootfs/ /
USER 65532:65532
ENTRYPOINT ["/manager"]
