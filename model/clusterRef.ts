/**
 * The cluster that a resource talks to: a name, not a credential. Like kubectl, it is resolved in the kubeconfig each time, so that the state never
 * holds a key, a token or an address.
 */
export interface ClusterRef {
  /** Path of a kubeconfig; `~/` is the home directory. @default the files of KUBECONFIG, else ~/.kube/config */
  kubeconfig?: string;
  /** Name of a context in it. @default the current context */
  context?: string;
}
