package deploy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

// TestLatest holds which build is the latest.
func TestLatest(t *testing.T) {
	id := func(n int) string { return fmt.Sprintf("123e4567-e89b-12d3-a456-42661417400%d", n) }
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-east", "acme/bot:v1")
		for n, b := range []simulator.Build{{Region: "us-east"}, {Region: "us-east"}, {Region: "us-west"}, {Region: "us-east", Status: "failed"}, {Region: "us-east", After: 24 * time.Hour}} {
			b.ID, b.Created = id(n), time.Now().Add(time.Duration(n-10)*time.Hour)
			cloud.AddBuild(b)
		}
		for _, tt := range []struct{ agent, region, want string }{{"bot", "", id(1)}, {"new", "", id(2)}, {"new", "us-east", id(1)}, {"new", "ap-south", ""}} {
			artifact, events, err := resolving(t.Context(), cloud, Request{Agent: tt.agent, Region: tt.region, Latest: true, Create: true})
			if tt.want == "" {
				if f := failureOf(err); f.Reason != verdict.Build || !strings.Contains(f.Message, "no build in region ap-south has succeeded") {
					t.Errorf("%s in %q: got %+v, %v", tt.agent, tt.region, artifact.Build, err)
				}
				continue
			}
			if err != nil || artifact.Build.ID != tt.want || artifact.Building() {
				t.Errorf("%s in %q: got %+v, %v, want %s", tt.agent, tt.region, artifact, err, tt.want)
			}
			if found, ok := events[len(events)-1].(event.BuildFound); !ok || found.ID != tt.want || !found.Latest {
				t.Errorf("%s in %q: reported as %+v", tt.agent, tt.region, events)
			}
		}
	})
}

// TestBuildRegion holds where a build is looked for or made when the agent's region
// is not shown: in the one that is asked for, or else in the organization's.
func TestBuildRegion(t *testing.T) {
	id := func(n int) string { return fmt.Sprintf("123e4567-e89b-12d3-a456-42661417400%d", n) }
	for _, tt := range []struct{ name, asked, region, latest string }{
		{"asked for", "us-east", "us-east", id(0)},
		{"the organization's", "", "us-west", id(1)},
	} {
		agent := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/agents/bot") }
		t.Run(tt.name+", the latest", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				for n, region := range []string{"us-east", "us-west", "eu-central"} { // eu-central has the newest
					cloud.AddBuild(simulator.Build{ID: id(n), Region: region, Created: time.Now().Add(time.Duration(n-10) * time.Hour)})
				}
				artifact, _, err := resolving(t.Context(), simulator.Answer(cloud, agent, 200, nil, `{"desiredDeploymentId":"d"}`), Request{Agent: "bot", Region: tt.asked, Latest: true})
				if err != nil || artifact.Build.ID != tt.latest {
					t.Errorf("got %+v, %v", artifact.Build, err)
				}
			})
		})
		t.Run(tt.name+", of a source", func(t *testing.T) {
			r := source(t, "FROM scratch\n")
			r.Region = tt.asked
			synctest.Test(t, func(t *testing.T) {
				artifact, _, err := resolving(t.Context(), simulator.Answer(&simulator.Cloud{}, agent, 200, nil, `{"desiredDeploymentId":"d"}`), r)
				if err != nil || artifact.Build.Region != tt.region {
					t.Errorf("got %+v, %v", artifact.Build, err)
				}
			})
		})
	}
}

// TestNamedBuild holds that the build that was asked for is deployed by the name
// that it was asked for, whatever its document calls it, and when it is waited
// for: a dry run waits for none that runs, but reports one that has failed.
func TestNamedBuild(t *testing.T) {
	const id = "123e4567-e89b-12d3-a456-426614174000"
	for _, tt := range []struct {
		name   string
		status string
		dry    bool
		waits  bool
	}{
		{"one that is there", "success", false, false},
		{"one that runs", "building", false, true},
		{"one of a status that is new", "queued", false, true},
		{"one that failed", "failed", false, true},
		{"one that is there, in a dry run", "success", true, false},
		{"one that runs, in a dry run", "building", true, false},
		{"one that failed, in a dry run", "failed", true, true},
		{"one that the platform gave up, in a dry run", "timeout", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				api := simulator.Answer(cloud, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/builds/"+id) }, 200, nil, fmt.Sprintf(`{"build":{"status":%q}}`, tt.status))
				began := time.Now()
				artifact, _, err := resolving(t.Context(), api, Request{Agent: "bot", Settings: pipecat.Settings{BuildID: id}, BuildTimeout: time.Minute, DryRun: tt.dry})
				if err != nil || artifact.Build.ID != id || artifact.Build.Status != tt.status || artifact.Started || artifact.Building() != tt.waits {
					t.Fatalf("got %+v, %v", artifact, err)
				}
				if tt.waits && !artifact.Deadline.Equal(began.Add(time.Minute)) {
					t.Errorf("it is waited for until %s", artifact.Deadline)
				}
			})
		})
	}
}

// TestNoBuild holds what is said of a build that does not exist.
func TestNoBuild(t *testing.T) {
	const id = "123e4567-e89b-12d3-a456-426614174000"
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		_, _, err := resolving(t.Context(), cloud, Request{Agent: "bot", Settings: pipecat.Settings{BuildID: id}})
		if f := failureOf(err); f.Reason != verdict.Build || !strings.Contains(f.Message, "build "+id+" does not exist in the key's organization") {
			t.Errorf("got %+v", f)
		}
	})
}

// TestNoDefaultRegion holds that nothing is packed for a region that is not known.
func TestNoDefaultRegion(t *testing.T) {
	r := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		api := simulator.Answer(&simulator.Cloud{}, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/properties") }, 200, nil, `{"properties":{}}`)
		_, events, err := resolving(t.Context(), api, r)
		var f *verdict.Failure
		if !errors.As(err, &f) || f.Reason != verdict.Inputs || !strings.Contains(f.Message, "set region") || len(events) > 0 {
			t.Errorf("got %v, %+v", err, events)
		}
	})
}
