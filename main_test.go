package main

import (
	"testing"

	"pipecat-cloud-deploy/internal/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m, main) }

func TestScript(t *testing.T)            { e2e.Scripts(t, run) }
func TestGoldens(t *testing.T)           { e2e.Goldens(t) }
func TestVersion(t *testing.T)           { e2e.Version(t, run) }
func TestPanic(t *testing.T)             { e2e.Panic(t, run) }
func TestPanicAfterSending(t *testing.T) { e2e.PanicAfterSending(t, run) }
func TestCauses(t *testing.T)            { e2e.Causes(t, run) }
func TestAway(t *testing.T)              { e2e.Away(t, run) }
func TestOlder(t *testing.T)             { e2e.Older(t, run) }
func TestExamples(t *testing.T)          { e2e.Examples(t, run) }
func TestTruth(t *testing.T)             { e2e.Truth(t, run) }
func TestSearch(t *testing.T)            { e2e.Search(t, run) }
func TestSearchFinds(t *testing.T)       { e2e.SearchFinds(t) }
func TestDeadLog(t *testing.T)           { e2e.DeadLog(t) }
func TestCancelled(t *testing.T)         { e2e.Cancelled(t) }
func TestBlocked(t *testing.T)           { e2e.Blocked(t) }
func TestStuck(t *testing.T)             { e2e.Stuck(t, run) }
func TestMemory(t *testing.T)            { e2e.Memory(t) }
func TestBounds(t *testing.T)            { e2e.Bounds(t) }
func TestCalls(t *testing.T)             { e2e.Calls(t) }
func TestSpeed(t *testing.T)             { e2e.Speed(t) }

func BenchmarkRefusal(b *testing.B) { e2e.Refusal(b) }
