package simulator

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// status is a build's at a time: pending for a tenth of its way, then building.
func (b Build) status(now time.Time) string {
	switch age := now.Sub(b.Created); {
	case age >= b.After:
		return b.Status
	case age < b.After/10:
		return "pending"
	}
	return "building"
}

func (c *Cloud) getBuild(r *http.Request) (any, *apiError) {
	id := r.PathValue("id")
	if !uuid.MatchString(id) {
		return nil, badRequest("Invalid build ID format")
	}
	b, ok := c.builds[id]
	if !ok {
		return nil, notFound("Build not found")
	}
	now := time.Now()
	status := b.status(now)
	build := object{
		"id": b.ID, "organizationId": "org_simulated", "status": status, "region": b.Region,
		"contextHash": "a1b2c3d4e5f6a7b8", "dockerfilePath": "Dockerfile", "contextSizeBytes": 10485760,
		"createdAt": timestamp(b.Created.Add(c.Skew)), "updatedAt": timestamp(now.Add(c.Skew)),
	}
	if status == b.Status {
		build["buildDurationSeconds"] = int(b.After.Seconds())
		build["completedAt"] = timestamp(b.Created.Add(b.After + c.Skew))
		if status == "success" {
			build["imageUri"] = "123456789.dkr.ecr.us-west-2.amazonaws.com/pipecat-cloud/org_simulated:a1b2c3d4e5f6a7b8"
			build["imageSizeBytes"] = 524288000
		} else if b.Error != "" {
			build["errorMessage"] = b.Error
		}
	}
	return object{"build": build}, nil
}

func (s SecretSet) status(now time.Time) string {
	if now.Sub(s.Created) < s.After {
		return "pending"
	}
	return s.Status
}

func (c *Cloud) getSecretSet(r *http.Request) (any, *apiError) {
	s, ok := c.secrets[r.PathValue("set")]
	switch {
	case !ok:
		return nil, notFound("Set not found")
	case s.Pull:
		return nil, badRequest("Cannot retrieve image pull secrets by name")
	}
	set := object{"region": s.Region, "status": s.status(time.Now()), "secrets": []object{{"fieldName": "API_KEY"}}}
	if set["status"] == "failed" {
		set["errorMessage"] = "The secret set could not be provisioned."
	}
	return set, nil
}

// getLogs answers with what the agent's deployments have printed by now.
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
	for _, d := range a.deployments {
		if id := query.Get("deploymentId"); id != "" && id != d.id {
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
