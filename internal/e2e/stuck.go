package e2e

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/simulator"
)

// Stuck holds that a job which is stopped ends even where it is busy with what cannot be
// interrupted, and that it claims nothing of the update that is under way.
func Stuck(t *testing.T, run Program) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		when simulator.When
	}{
		{"before the update", always},
		{"in the update", simulator.Writes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			output := filepath.Join(t.TempDir(), "output")
			env := map[string]string{
				"INPUT_API-KEY": searchKey, "INPUT_AGENT-NAME": "demo-agent", "INPUT_IMAGE": "ghcr.io/acme/bot:ok",
				"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": output,
			}
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{Key: searchKey}
				cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
				const stopped = 3 * time.Second
				ctx, stop := context.WithCancel(t.Context())
				time.AfterFunc(stopped, stop)
				defer stop()
				began := time.Now()
				var log syncLog
				code := run(ctx, nil, environ(env), &log, &log, deaf{simulator.Transport(cloud), tt.when})
				if took := time.Since(began); code != 1 || took < stopped || took > stopped+2*time.Second {
					t.Errorf("exit code %d after %s\n%s", code, took, log.String())
				}
				if values, err := outputs(t, output); err != nil || values["status"] != "cancelled" || !strings.Contains(values["failure-message"], "did not end by itself") || !strings.Contains(log.String(), "did not end by itself") {
					t.Errorf("outputs %v, %v\n%s", values, err, log.String())
				}
				time.Sleep(time.Hour) // until all of the job has ended, as it would with the process
			})
		})
	}
}

// deaf is a network that takes a minute for some requests, and does not heed their
// contexts.
type deaf struct {
	http.RoundTripper
	when simulator.When
}

func (d deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.when(r) {
		time.Sleep(time.Minute)
	}
	return d.RoundTripper.RoundTrip(r)
}
