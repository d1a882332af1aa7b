package deploy

import (
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/pipecat"
)

func TestDiffers(t *testing.T) {
	agent := func(change func(*pipecat.Agent, *pipecat.Spec)) *pipecat.Agent {
		a := &pipecat.Agent{AgentProfile: "agent-1x", Deployment: &pipecat.Deployment{}}
		s := &a.Deployment.Manifest.Spec
		s.Image, s.ImagePullSecretName, s.EnvFromSecretNames = "a:b", "pull", []string{"keys"}
		s.AutoScaling, s.MaxSessionDurationSeconds = &pipecat.Replicas{MinReplicas: ptr(1), MaxReplicas: ptr(10)}, 3600
		if change != nil {
			change(a, s)
		}
		return a
	}
	asked := pipecat.Settings{Image: "a:b", ImagePullSecretSet: "pull", SecretSet: "keys", AgentProfile: "agent-1x", MaxSessionDuration: 3600,
		AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(1), MaxAgents: ptr(10)}}
	for _, tt := range []struct {
		name  string
		asked pipecat.Settings
		agent *pipecat.Agent
		want  string
	}{
		{"the same", asked, agent(nil), ""},
		{"nothing was asked for", pipecat.Settings{}, agent(nil), ""},
		{"nothing is told", asked, &pipecat.Agent{}, ""},
		{"little is told", asked, &pipecat.Agent{Deployment: &pipecat.Deployment{}}, ""},
		{"a build's image is hidden", pipecat.Settings{BuildID: "id"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.Image = "[redacted]" }), ""},
		{"a build's image is not told", pipecat.Settings{BuildID: "id"}, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.Image = "" }), ""},
		{"no build", pipecat.Settings{BuildID: "id"}, agent(nil), `image is "a:b", of no build`},
		{"a build instead", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.Image = "[redacted]" }), `image is "[redacted]"`},
		{"authorization", pipecat.Settings{WebsocketAuth: "token"}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.WebsocketAuth = "none" }), `WebSocket authorization is "none"`},
		{"filter", pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.KrispViva = &pipecat.KrispViva{} }), `noise filter is "none"`},
		{"no filter", pipecat.Settings{KrispViva: &pipecat.KrispViva{}}, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.KrispViva = &pipecat.KrispViva{AudioFilter: ptr("pro")} }), `noise filter is "pro"`},
		{"a filter that is not told", pipecat.Settings{KrispViva: &pipecat.KrispViva{}}, agent(nil), ""},
		{"image", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.Image = "a:c" }), `image is "a:c"`},
		{"credentials", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.ImagePullSecretName = "x" }), `image credentials is "x"`},
		{"profile", asked, agent(func(a *pipecat.Agent, _ *pipecat.Spec) { a.AgentProfile = "agent-2x" }), `agent profile is "agent-2x"`},
		{"limit", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.MaxSessionDurationSeconds = 60 }), `session limit is "60"`},
		{"no limit", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.MaxSessionDurationSeconds = 0 }), `session limit is "none"`},
		{"minimum", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.AutoScaling.MinReplicas = ptr(2) }), `minimum of agents is "2"`},
		{"maximum", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.AutoScaling.MaxReplicas = ptr(2) }), `maximum of agents is "2"`},
		{"no credentials", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.ImagePullSecretName = "" }), `image credentials is "none"`},
		{"no secrets", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.EnvFromSecretNames = nil }), `secret set is "none"`},
		{"secrets", asked, agent(func(_ *pipecat.Agent, s *pipecat.Spec) { s.EnvFromSecretNames = []string{"x"} }), `secret set is "x"`},
	} {
		if got := differs(tt.asked, tt.agent); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSameImage(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for _, tt := range []struct {
		asked, shown string
		want         bool
	}{
		{"acme/bot:v1", "acme/bot:v1", true},
		{"acme/bot:v1", "docker.io/acme/bot:v1", true},
		{"acme/bot:v1", "docker.io/acme/bot:v1" + digest, true},
		{"acme/bot:v1", "acme/bot" + digest, true}, // it may be what is behind the tag
		{"acme/bot:v1", "", true},
		{"", "acme/bot:v1", true},
		{"acme/bot:v1", "acme/bot:v2", false},
		{"acme/bot:v1", "ghcr.io/acme/bot:v1", false},
		{"acme/bot" + digest, "acme/bot@sha256:" + strings.Repeat("b", 64), false},
		{"acme/bot:v1", "[redacted]", false},
	} {
		if got := sameImage(tt.asked, tt.shown); got != tt.want {
			t.Errorf("%s, %s: %v", tt.asked, tt.shown, got)
		}
	}
}

// TestTells holds that a deployment which is not shown is not taken for ours.
func TestTells(t *testing.T) {
	shown := func(change func(*pipecat.Agent, *pipecat.Spec)) *pipecat.Agent {
		a := &pipecat.Agent{Deployment: &pipecat.Deployment{}}
		change(a, &a.Deployment.Manifest.Spec)
		return a
	}
	image := shown(func(_ *pipecat.Agent, s *pipecat.Spec) { s.Image = "a:b" })
	for _, tt := range []struct {
		name  string
		asked pipecat.Settings
		agent *pipecat.Agent
		want  bool
	}{
		{"any will do", pipecat.Settings{}, &pipecat.Agent{}, true},
		{"nothing is shown", pipecat.Settings{Image: "a:b"}, &pipecat.Agent{}, false},
		{"an empty deployment", pipecat.Settings{Image: "a:b"}, shown(func(*pipecat.Agent, *pipecat.Spec) {}), false},
		{"an image", pipecat.Settings{Image: "a:b"}, image, true},
		{"all but the image", pipecat.Settings{Image: "a:b"}, shown(func(_ *pipecat.Agent, s *pipecat.Spec) { s.DailyNodeType = "arm" }), false},
		{"no image, of a build", pipecat.Settings{BuildID: "id"}, shown(func(_ *pipecat.Agent, s *pipecat.Spec) { s.DailyNodeType = "arm" }), true},
		{"nothing of a build", pipecat.Settings{BuildID: "id"}, shown(func(*pipecat.Agent, *pipecat.Spec) {}), false},
		{"no authorization", pipecat.Settings{Image: "a:b", WebsocketAuth: "token"}, image, false},
		{"no filter", pipecat.Settings{Image: "a:b", KrispViva: &pipecat.KrispViva{}}, image, false},
		{"no scaling", pipecat.Settings{Image: "a:b", AutoScaling: &pipecat.AutoScaling{}}, image, false},
		{"all of it", pipecat.Settings{Image: "a:b", WebsocketAuth: "token", KrispViva: &pipecat.KrispViva{}, AutoScaling: &pipecat.AutoScaling{}},
			shown(func(a *pipecat.Agent, s *pipecat.Spec) {
				a.WebsocketAuth, a.KrispViva, s.Image, s.AutoScaling = "none", &pipecat.KrispViva{}, "a:b", &pipecat.Replicas{}
			}), true},
		{"no profile", pipecat.Settings{Image: "a:b", AgentProfile: "agent-2x"}, image, false},
		{"a profile", pipecat.Settings{Image: "a:b", AgentProfile: "agent-2x"}, shown(func(a *pipecat.Agent, s *pipecat.Spec) { a.AgentProfile, s.Image = "agent-1x", "a:b" }), true},
	} {
		if got := tells(tt.asked, tt.agent); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
