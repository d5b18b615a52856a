/** The parts of swagger-ui-dist that the API reference uses. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export interface SwaggerRequest {
    url: string;
    headers: Record<string, string>;
    /** Sends the request in the place of the browser's `fetch`. */
    userFetch?: (url: string, request: RequestInit) => Promise<Response>;
  }

  /** What plugins and components get. */
  export interface SwaggerSystem {
    React: { createElement: (component: unknown, properties?: object | null, ...children: unknown[]) => unknown };
    getComponent: (name: string, container?: boolean) => unknown;
  }

  export type SwaggerPlugin = (system: SwaggerSystem) => object;

  export interface SwaggerOptions {
    domNode: HTMLElement;
    url: string;
    layout: string;
    plugins: SwaggerPlugin[];
    docExpansion: "list" | "full" | "none";
    requestInterceptor: (request: SwaggerRequest) => SwaggerRequest;
    onComplete: () => void;
  }

  const SwaggerUi: (options: SwaggerOptions) => unknown;
  export default SwaggerUi;
}
