// What libp2p's dependencies (mortice 3.3, it-queue 1.1) take from ES2024 and Node 20 does not have yet.
Promise.withResolvers ??= function withResolvers() {
  const deferred = {};
  deferred.promise = new this((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
};
