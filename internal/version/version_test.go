package version

import "testing"

// TestName holds that a release names its version and its commit.
func TestName(t *testing.T) {
	defer func(v, c string) { version, commit = v, c }(version, commit)
	for _, tt := range []struct{ version, commit, want string }{
		{"v1.2.3", "0123456789abcdef0123456789abcdef01234567", "v1.2.3 (0123456789ab)"},
		{"v1.2.3", "0123", "v1.2.3 (0123)"},
	} {
		version, commit = tt.version, tt.commit
		if got := Name(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
