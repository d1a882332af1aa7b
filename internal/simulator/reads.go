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
	order := query.Get("order")
	if order != "" && order != "asc" && order != "desc" {
		return nil, badRequest("Invalid parameters")
	}
	now := time.Now()
	a.settle(c, now)
	var printed []logLine
	deployment, session := query.Get("deploymentId"), query.Get("sessionId")
	for _, s := range a.sessions {
		if (deployment == "" || deployment == s.deployment) && (session == "" || session == s.id) {
			printed = append(printed, s.shown(now)...)
		}
	}
	for _, d := range a.deployments {
		if deployment != "" && deployment != d.id || session != "" {
			continue
		}
		for _, f := range d.script.Frames {
			if f.At > now.Sub(d.made) {
				break
			}
			for line := range strings.Lines(f.Log) {
				printed = append(printed, logLine{d.made.Add(f.At), d.id, strings.TrimSuffix(line, "\n")})
			}
		}
	}
	slices.SortStableFunc(printed, func(a, b logLine) int { return a.at.Compare(b.at) })
	entries := []object{}
	for _, line := range printed {
		entries = append(entries, object{"log": line.text, "timestamp": a.timestamp(line.at), "deploymentId": line.deployment})
	}
	if order != "asc" {
		slices.Reverse(entries)
	}
	total := len(entries)
	entries = entries[min(offset, total):min(offset+limit, total)]
	return object{"total": object{"value": total, "relation": "eq"}, "logs": entries}, nil
}
