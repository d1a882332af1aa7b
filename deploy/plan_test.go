package deploy

import (
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
)

func TestPlan(t *testing.T) {
	agent := func() *pipecat.Agent {
		a := &pipecat.Agent{AgentProfile: "agent-1x", AutoScaling: &pipecat.Replicas{MinReplicas: ptr(1)}, KrispViva: &pipecat.KrispViva{}, Deployment: &pipecat.Deployment{}}
		a.Deployment.Manifest.Spec = pipecat.Spec{Image: "docker.io/acme/bot:v1", EnvFromSecretNames: []string{"keys"}, MaxSessionDurationSeconds: 3600}
		return a
	}
	for _, tt := range []struct {
		name string
		cfg  config.Config
		c    Change
		want string
		idle bool
	}{
		{"all as it was", config.Config{}, Change{Before: agent()},
			"image docker.io/acme/bot:v1, secret-set keys, min-agents 1, agent-profile agent-1x, krisp-viva-audio-filter none, max-session-duration 3600s", true},
		{"a new image", config.Config{}, Change{Before: &pipecat.Agent{}, Settings: pipecat.Settings{Image: "acme/bot:v2"}}, "image >acme/bot:v2 input", false},
		{"the same in another spelling", config.Config{}, Change{Before: agent(), Settings: pipecat.Settings{Image: "acme/bot:v1"}},
			"image acme/bot:v1>acme/bot:v1 input, secret-set keys, min-agents 1, agent-profile agent-1x, krisp-viva-audio-filter none, max-session-duration 3600s", true},
		{"pinned to a digest", config.Config{}, Change{Before: shows("a:b"), Settings: pipecat.Settings{Image: "a:b@sha256:" + strings.Repeat("a", 64)}},
			"image a:b>a:b@sha256:" + strings.Repeat("a", 64) + " input", false},
		{"the same by force", config.Config{}, Change{Before: &pipecat.Agent{}, Force: true}, "", false},
		{"a new agent", config.Config{}, Change{Artefact: Artefact{Build: &pipecat.Build{ID: "id"}}}, "build-id >id input", false},
		{"a build that is yet to be made", config.Config{}, Change{Before: shows("a:b"), Artefact: Artefact{Build: &pipecat.Build{}}}, "image a:b>the build's input, build-id >a new build input", false},
		{"from a file", config.Config{Sources: map[string]string{"max-agents": "f.toml"}}, Change{Before: &pipecat.Agent{}, Settings: pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MaxAgents: ptr(0)}}},
			"max-agents >0 f.toml", true},
	} {
		tt.c.Plan = plan(tt.cfg, tt.c)
		var got []string
		for _, s := range tt.c.Plan {
			words := s.Name + " " + s.After
			if s.From != "" {
				words = s.Name + " " + s.Before + ">" + s.After + " " + s.From
			}
			got = append(got, words)
		}
		if strings.Join(got, ", ") != tt.want || tt.c.Idle() != tt.idle {
			t.Errorf("%s: got %q, idle %v", tt.name, strings.Join(got, ", "), tt.c.Idle())
		}
	}
}

// shows is an agent of an image.
func shows(image string) *pipecat.Agent {
	a := &pipecat.Agent{Deployment: &pipecat.Deployment{}}
	a.Deployment.Manifest.Spec.Image = image
	return a
}

func TestOnlyScales(t *testing.T) {
	scaling := pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(1)}}
	for _, tt := range []struct {
		name string
		c    Change
		want bool
	}{
		{"it does", Change{Before: &pipecat.Agent{}, Settings: scaling}, true},
		{"it forces, too", Change{Before: &pipecat.Agent{}, Settings: scaling, Force: true}, false},
		{"it has an image, too", Change{Before: &pipecat.Agent{}, Settings: pipecat.Settings{Image: "a:b", AutoScaling: scaling.AutoScaling}}, false},
		{"it creates", Change{Settings: scaling}, false},
		{"with the image that it has", Change{Before: shows("a:b"), Settings: pipecat.Settings{Image: "a:b", AutoScaling: scaling.AutoScaling}}, true},
		{"to what it has", Change{Before: &pipecat.Agent{AutoScaling: &pipecat.Replicas{MinReplicas: ptr(1)}}, Settings: scaling}, false},
	} {
		tt.c.Plan = plan(config.Config{}, tt.c)
		if got := tt.c.OnlyScales(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
