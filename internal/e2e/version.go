package e2e

import (
	"net/http"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/version"
)

// Version holds that a release says which one it is: in the log's first line
// and to the API.
func Version(t *testing.T, run Program) {
	t.Parallel()
	cloud := &simulator.Cloud{}
	cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
	reach := simulator.Transport(cloud)
	agents := map[string]bool{}
	network := roundTripper(func(r *http.Request) (*http.Response, error) {
		agents[r.UserAgent()] = true
		return reach.RoundTrip(r)
	})
	env := map[string]string{"INPUT_API-KEY": "sk_secret", "INPUT_AGENT-NAME": "demo-agent", "INPUT_IMAGE": "a:b", "INPUT_WAIT-FOR-READY": "false"}
	var log strings.Builder
	run(t.Context(), nil, environ(env), &log, &log, network)
	if first, _, _ := strings.Cut(log.String(), "\n"); first != "Pipecat Cloud Deploy "+version.Name() {
		t.Errorf("the log begins with %q", first)
	}
	if len(agents) != 1 || !agents["pipecat-cloud-deploy/"+version.Name()] {
		t.Errorf("User-Agent %v", agents)
	}
}
