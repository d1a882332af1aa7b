package settings_test

import (
	"fmt"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
)

// What is asked for moves only where the agent's document does not show it already,
// in whatever spelling. What is not asked for stays.
func ExampleDiff() {
	least := 1
	before := &pipecat.Agent{AutoScaling: &pipecat.Replicas{MinReplicas: &least}, Deployment: &pipecat.Deployment{}}
	spec := &before.Deployment.Manifest.Spec
	spec.Image, spec.EnvFromSecretNames = "docker.io/acme/bot:v1", []string{"bot-secrets"}

	more := 3
	asked := pipecat.Settings{Image: "acme/bot:v1", MaxSessionDuration: 3600, AutoScaling: &pipecat.AutoScaling{MinAgents: &more}}
	for _, c := range settings.Diff(before, asked) {
		fmt.Printf("%s: %s → %s, asked %t, moves %t, scaling %t\n", c.Name, c.Before, c.After, c.Asked, c.Moves, c.Scaling)
	}
	// Output:
	// image: docker.io/acme/bot:v1 → acme/bot:v1, asked true, moves false, scaling false
	// secret-set: bot-secrets → bot-secrets, asked false, moves false, scaling false
	// min-agents: 1 → 3, asked true, moves true, scaling true
	// max-session-duration: 7200s → 3600s, asked true, moves true, scaling false
}
