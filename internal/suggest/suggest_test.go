package suggest

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"agent_name", "image", "scaling.min_agents", "scaling.max_agents", "region", "secret_set"}
	for name, want := range map[string]string{
		"agent_nam": "agent_name", "agent-name": "agent_name", "Agent_Name": "agent_name", "agetn_name": "agent_name", "min_agents": "scaling.min_agents", "min_agent": "scaling.min_agents",
		"scaling.min_agetns": "scaling.min_agents", "secret_sets": "secret_set", "imgae": "image", "regoin": "region",
		"speed": "", "ports": "", "agent": "", "service": "", "": "", "x": "", "secrets": "",
		"resources.mem": "", "table.reg": "", "scaling.mid_agents": "scaling.min_agents", "scaling.size": "", "other.min_agnets": "scaling.min_agents",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
