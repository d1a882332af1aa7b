package config

import "testing"

// TestMigratedInputs holds that a step which is written for daily-co's action works as
// it is: with every input of its versions 2.0 and 2.1, at once where they go together.
func TestMigratedInputs(t *testing.T) {
	common := []string{"agent-name", "my-bot", "secret-set", "keys", "region", "us-east", "min-agents", "1", "max-agents", "5", "agent-profile", "agent-2x",
		"enable-managed-keys", "false", "wait-for-ready", "true", "wait-timeout", "90", "api-url", "https://api.pipecat.daily.co", "krisp-viva", "pro", "max-session-duration", "1800"}
	for name, more := range map[string][]string{
		"an image":    {"image", "ghcr.io/my-org/my-bot:v1.2.3", "image-credentials", "ghcr", "cloud-build", "false"},
		"cloud build": {"image", "", "cloud-build", "true", "build-context", ".", "dockerfile", "docker/Dockerfile.prod", "build-timeout", "600"},
		"a build":     {"image", "", "build-id", "build_abc123", "cloud-build", "false"},
	} {
		cfg, err := Load(nil, env(append(more, common...)...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s := cfg.Settings; s.SecretSet != "keys" || *s.AutoScaling.MinAgents != 1 || *s.AutoScaling.MaxAgents != 5 || *s.KrispViva.AudioFilter != "pro" || s.MaxSessionDuration != 1800 ||
			s.AgentProfile != "agent-2x" || cfg.Region != "us-east" || cfg.WaitTimeout.Seconds() != 90 {
			t.Errorf("%s: got %+v", name, cfg)
		}
		if len(cfg.Warnings) > 0 {
			t.Errorf("%s: warns %q", name, lines(cfg.Warnings))
		}
	}
}
