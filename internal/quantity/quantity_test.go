package quantity

import (
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 restarts", 1: "1 restart", 2: "2 restarts", 1000: "1000 restarts"} {
		if got := Count(n, "restart"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		bytes        int64
		want, wantMB string
	}{
		{0, "0 bytes", "0.0 MB"},
		{1, "1 byte", "0.0 MB"},
		{1023, "1023 bytes", "0.0 MB"},
		{1 << 10, "1.0 KB", "0.0 MB"},
		{1536, "1.5 KB", "0.0 MB"},
		{1<<20 - 1, "1024.0 KB", "1.0 MB"},
		{1 << 20, "1.0 MB", "1.0 MB"},
		{500 << 20, "500.0 MB", "500.0 MB"},
		{3 << 30, "3072.0 MB", "3072.0 MB"},
	} {
		if got := Size(tt.bytes); got != tt.want {
			t.Errorf("%d: got %q, want %q", tt.bytes, got, tt.want)
		}
		if got := Megabytes(tt.bytes); got != tt.wantMB {
			t.Errorf("%d: got %q, want %q", tt.bytes, got, tt.wantMB)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                            "0.0s",
		40 * time.Millisecond:        "0.0s",
		6600 * time.Millisecond:      "6.6s",
		10 * time.Second:             "10s",
		12600 * time.Millisecond:     "13s",
		130 * time.Second:            "2m 10s",
		10 * time.Minute:             "10m",
		time.Hour:                    "1h",
		25*time.Hour + 4*time.Second: "25h 4s",
	} {
		if got := Span(d); got != want {
			t.Errorf("%d ns: got %q, want %q", d, got, want)
		}
	}
}

func TestLimit(t *testing.T) {
	for d, want := range map[time.Duration]string{5 * time.Second: "5s", 500 * time.Millisecond: "500ms", 10 * time.Second: "10s", 90 * time.Second: "1m 30s"} {
		if got := Limit(d); got != want {
			t.Errorf("%d ns: got %q, want %q", d, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour:        "less than a minute",
		59 * time.Second:  "less than a minute",
		time.Minute:       "1 minute",
		119 * time.Minute: "119 minutes",
		2 * time.Hour:     "2 hours",
		47 * time.Hour:    "47 hours",
		48 * time.Hour:    "2 days",
		240 * time.Hour:   "10 days",
	} {
		if got := Age(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}
