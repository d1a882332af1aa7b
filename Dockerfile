FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -gcflags=github.com/pion/...=-l -gcflags=crypto/...=-l -ldflags='-s -w -funcalign=8' -o /pipecat-cloud-deploy .

# The runner mounts its files for root and passes inputs by the environment, so
# there is neither a USER nor any argument. Certificate authorities are in the
# program: see internal/pipecat/roots_linux.go.
FROM scratch
COPY --from=build /pipecat-cloud-deploy /pipecat-cloud-deploy
ENTRYPOINT ["/pipecat-cloud-deploy"]
