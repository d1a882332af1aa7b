package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// getLogs responds with what the agent's deployments have printed so far.
func (c *Cloud) getLogs(r *http.Request) (any, *apiError) {
	a := c.agents[r.PathValue("name")]
	if a == nil {
		return nil, notFound("Not found")
	}
	query := r.URL.Query()
	limit, offset := 10, 0
	for name, n := range map[string]*int{"limit": &limit, "offset": &offset} {
		if text := query.Get(name); text != "" {
			var err error
			if *n, err = strconv.Atoi(text); err != nil || *n < 0 {
				return nil, badRequest("Invalid parameters")
			}
		}
	}
	now := time.Now()
	a.settle(c, now)
	entries := []object{}
	for _, s := range a.sessions {
		if id := query.Get("sessionId"); id != s.id {
			continue
		}
		for _, line := range s.log {
			entries = append(entries, object{"log": line.text, "timestamp": a.timestamp(line.at), "deploymentId": s.deployment})
		}
	}
	for _, d := range a.deployments {
		if id := query.Get("deploymentId"); id != "" && id != d.id || query.Has("sessionId") {
			continue
		}
		for _, f := range d.script.Frames {
			if f.At > now.Sub(d.made) {
				break
			}
			for line := range strings.Lines(f.Log) {
				entries = append(entries, object{"log": strings.TrimSuffix(line, "\n"),
					"timestamp": a.timestamp(d.made.Add(f.At)), "deploymentId": d.id})
			}
		}
	}
	if query.Get("order") != "asc" {
		slices.Reverse(entries)
	}
	total := len(entries)
	entries = entries[min(offset, total):min(offset+limit, total)]
	return object{"total": object{"value": total, "relation": "eq"}, "logs": entries}, nil
}
